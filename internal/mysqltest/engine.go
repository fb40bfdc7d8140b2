package mysqltest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errNoEngine: there is nothing on this machine to run. Every other failure
// means that something is there and does not work.
var errNoEngine = errors.New("no mariadbd found")

// An engine is a server program. MariaDB and Oracle MySQL differ in how a data
// directory is made and in a few flags.
type engine struct {
	server  string // path of mariadbd, or of mysqld or a wrapper around it
	install string // path of mariadb-install-db; "" for Oracle MySQL
	version string
}

func findEngine() (engine, error) {
	return engineAt(cmp.Or(os.Getenv("AUTH_TEST_MYSQLD"), find("mariadbd")))
}

func engineAt(server string) (engine, error) {
	e := engine{server: server}
	if e.server == "" {
		return engine{}, errNoEngine
	}
	out, err := exec.Command(e.server, "--no-defaults", "--version").Output()
	if err != nil {
		return engine{}, fmt.Errorf("%s --version: %w", e.server, err)
	}
	e.version = strings.TrimSpace(string(out))
	// Debian's mariadb-server-core has a mysqld too: the name says nothing.
	if strings.Contains(e.version, "MariaDB") {
		if e.install = find("mariadb-install-db"); e.install == "" {
			return engine{}, fmt.Errorf("%s is here, mariadb-install-db is not", e.server)
		}
	}
	return e, nil
}

// find looks in PATH and then where distributions put servers, which ordinary
// users do not have in their PATH.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// initialize makes a data directory whose root account has no password. Only
// the account that runs the tests reaches the socket.
func (e engine) initialize(dir string) error {
	cmd := exec.Command(e.server, append(asUser("--no-defaults"), "--initialize-insecure",
		"--datadir="+dir, "--innodb-redo-log-capacity=16M")...)
	if e.install != "" {
		cmd = exec.Command(e.install, append(asUser("--no-defaults"), "--auth-root-authentication-method=normal",
			"--skip-test-db", "--datadir="+dir, "--innodb-log-file-size=16M")...)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make a data directory with %s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

// serverFlags are for small, quick servers. The collation is the one that
// distributions configure: a schema that relies on a binary default must fail.
func (e engine) serverFlags(durable bool) []string {
	flags := append(asUser("--no-defaults"),
		"--skip-log-bin",
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_general_ci",
		"--innodb-buffer-pool-size=64M",
		"--innodb-buffer-pool-load-at-startup=OFF",
		"--innodb-buffer-pool-dump-at-shutdown=OFF",
		"--key-buffer-size=1M",
	)
	if e.install != "" {
		flags = append(flags, "--innodb-log-file-size=16M", "--aria-pagecache-buffer-size=1M")
	} else {
		flags = append(flags, "--innodb-redo-log-capacity=16M", "--performance-schema=OFF", "--mysqlx=OFF")
	}
	if durable {
		return append(flags, "--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=ON")
	}
	return append(flags, "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=OFF")
}

// asUser adds --user where it is needed: both servers refuse to run as root
// unless told to.
func asUser(flags ...string) []string {
	if os.Geteuid() == 0 {
		return append(flags, "--user=root")
	}
	return flags
}
