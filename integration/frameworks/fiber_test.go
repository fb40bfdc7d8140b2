package frameworks_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// fiberKnown runs f for who is asking, and for nobody without a valid token.
func fiberKnown(a *auth.Authenticator, f func(fiber.Ctx, auth.Identity) error) fiber.Handler {
	return func(c fiber.Ctx) error {
		var who auth.Identity
		known := false
		guard := authhttp.RequireFunc(a, func(_ http.ResponseWriter, _ *http.Request, id auth.Identity) {
			who, known = id, true
		})
		if err := adaptor.HTTPHandler(guard)(c); err != nil || !known {
			return err // the guard has answered
		}
		return f(c, who)
	}
}

func fiberApp(a *auth.Authenticator) *fiber.App {
	app := fiber.New()
	app.Post("/users/register", adaptor.HTTPHandler(authhttp.Register(a)))
	app.Post("/users/login", adaptor.HTTPHandler(authhttp.Login(a)))
	app.Get("/orders", fiberKnown(a, func(c fiber.Ctx, who auth.Identity) error {
		return c.SendString("orders of " + who.UserID)
	}))
	return app
}

func inFiber(app *fiber.App) do {
	return func(r *http.Request) (*http.Response, error) { return app.Test(r) }
}

func TestFiber(t *testing.T) {
	a, id, token := newUser(t)
	testGuard(t, inFiber(fiberApp(a)), "/orders", id, token)
}

// The trap that the guide names: the context that Fiber hands out knows nobody.
func TestFiberContextKnowsNobody(t *testing.T) {
	a, _, token := newUser(t)
	app := fiber.New()
	app.Use(adaptor.HTTPMiddleware(authhttp.Require(a)))
	known := true
	app.Get("/orders", func(c fiber.Ctx) error {
		_, known = auth.FromContext(c.Context())
		return nil
	})
	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := app.Test(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || known {
		t.Errorf("%d, known: %t; if Fiber passes the context on now the guide need not warn of it", answer.StatusCode, known)
	}
}
