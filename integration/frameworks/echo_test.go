package frameworks_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// echoKnown runs f for who is asking, and for nobody without a valid token.
func echoKnown(a *auth.Authenticator, f func(echo.Context, auth.Identity) error) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		authhttp.RequireFunc(a, func(_ http.ResponseWriter, r *http.Request, who auth.Identity) {
			c.SetRequest(r)
			err = f(c, who)
		}).ServeHTTP(c.Response(), c.Request())
		return err
	}
}

func echoRouter(a *auth.Authenticator) http.Handler {
	e := echo.New()
	e.POST("/users/register", echo.WrapHandler(authhttp.Register(a)))
	e.POST("/users/login", echo.WrapHandler(authhttp.Login(a)))
	e.GET("/orders", echoKnown(a, func(c echo.Context, who auth.Identity) error {
		return c.String(http.StatusOK, "orders of "+who.UserID)
	}))
	return e
}

func TestEcho(t *testing.T) {
	a, id, token := newUser(t)
	testGuard(t, inProcess(echoRouter(a)), "/orders", id, token)
}
