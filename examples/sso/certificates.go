package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// certificates are made for this run: a real service has those of its own authority.
type certificates struct {
	server    tls.Certificate
	authority *x509.CertPool
}

// newCertificates writes ca.pem, and proxy.pem and stranger.pem with their keys, to dir.
func newCertificates(dir string) (*certificates, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := certificate("an authority for this run")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, err
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	c := &certificates{authority: x509.NewCertPool()}
	c.authority.AddCert(ca)
	if err := write(dir, "ca.pem", "CERTIFICATE", der); err != nil {
		return nil, err
	}
	for _, name := range []string{"localhost", proxyName, "stranger.internal"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		leaf := certificate(name)
		leaf.DNSNames, leaf.ExtKeyUsage = []string{name}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if name == "localhost" {
			leaf.IPAddresses, leaf.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
		if err != nil {
			return nil, err
		}
		if name == "localhost" {
			c.server = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
			continue
		}
		if err := writePair(dir, name, der, key); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func certificate(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // fails for no limit above 0
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

// writePair writes a certificate and its key under the name of what it is for.
func writePair(dir, name string, der []byte, key crypto.PrivateKey) error {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	name = strings.TrimPrefix(strings.TrimSuffix(name, ".internal"), "sso-")
	if err := write(dir, name+"-key.pem", "PRIVATE KEY", private); err != nil {
		return err
	}
	return write(dir, name+".pem", "CERTIFICATE", der)
}

func write(dir, name, kind string, der []byte) error {
	return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
