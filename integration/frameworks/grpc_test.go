package frameworks_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/seed89488a0c/auth"
)

// verify returns a context that carries who is asking, or a status.
func verify(ctx context.Context, v auth.Verifier) (context.Context, error) {
	var token string
	if values := metadata.ValueFromIncomingContext(ctx, "authorization"); len(values) == 1 {
		if scheme, credential, _ := strings.Cut(values[0], " "); strings.EqualFold(scheme, "bearer") {
			token = credential
		}
	}
	who, err := v.Verify(ctx, token)
	switch {
	case errors.Is(err, auth.ErrUnavailable): // an outage: the client keeps its token
		return nil, status.Error(codes.Unavailable, "try again")
	case err != nil:
		return nil, status.Error(codes.Unauthenticated, "an access token is needed")
	}
	return auth.NewContext(ctx, who), nil
}

// unary and stream let no call through without a valid token.
func unary(v auth.Verifier) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		ctx, err := verify(ctx, v)
		if err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
}

func stream(v auth.Verifier) grpc.StreamServerInterceptor {
	return func(server any, s grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := verify(s.Context(), v)
		if err != nil {
			return err
		}
		return next(server, knownStream{s, ctx})
	}
}

type knownStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s knownStream) Context() context.Context { return s.ctx }

// whoAsks returns who is asking, to a method behind the interceptors.
func whoAsks(ctx context.Context) (auth.Identity, error) {
	who, ok := auth.FromContext(ctx)
	if !ok {
		return auth.Identity{}, status.Error(codes.Unauthenticated, "an access token is needed")
	}
	return who, nil
}

// service is one that gRPC comes with. It serves the name of who is asking.
type service struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (service) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	who, err := whoAsks(ctx)
	if err != nil {
		return nil, err
	}
	if r.Service != who.UserID {
		return nil, status.Error(codes.PermissionDenied, "of somebody else")
	}
	return &grpc_health_v1.HealthCheckResponse{}, nil
}

func (s service) Watch(r *grpc_health_v1.HealthCheckRequest, w grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	answer, err := s.Check(w.Context(), r)
	if err != nil {
		return err
	}
	return w.Send(answer)
}

// call makes both kinds of call and returns their codes.
func call(t *testing.T, options []grpc.ServerOption, name, authorization string) [2]codes.Code {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(options...)
	grpc_health_v1.RegisterHealthServer(server, service{})
	go server.Serve(listener)
	defer server.Stop()
	conn, err := grpc.NewClient("passthrough:///", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return listener.Dial() }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := context.Background()
	if authorization != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
	}
	client, request := grpc_health_v1.NewHealthClient(conn), &grpc_health_v1.HealthCheckRequest{Service: name}
	_, err = client.Check(ctx, request)
	watch, streamErr := client.Watch(ctx, request)
	if streamErr == nil {
		_, streamErr = watch.Recv()
	}
	return [2]codes.Code{status.Code(err), status.Code(streamErr)}
}

type down struct{}

func (down) Verify(context.Context, string) (auth.Identity, error) {
	return auth.Identity{}, auth.ErrUnavailable
}

func TestGRPC(t *testing.T) {
	a, id, token := newUser(t)
	guard := func(v auth.Verifier) []grpc.ServerOption {
		return []grpc.ServerOption{grpc.UnaryInterceptor(unary(v)), grpc.StreamInterceptor(stream(v))}
	}
	for _, c := range []struct {
		name          string
		options       []grpc.ServerOption
		authorization string
		want          codes.Code
	}{
		{"token", guard(a), "Bearer " + token, codes.OK},
		{"scheme in lower case", guard(a), "bearer " + token, codes.OK},
		{"no token", guard(a), "", codes.Unauthenticated},
		{"damaged token", guard(a), "Bearer " + token[1:], codes.Unauthenticated},
		{"other scheme", guard(a), "Basic " + token, codes.Unauthenticated},
		{"outage", guard(down{}), "Bearer " + token, codes.Unavailable},
		{"no interceptor", nil, "Bearer " + token, codes.Unauthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := call(t, c.options, id, c.authorization); got != [2]codes.Code{c.want, c.want} {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
