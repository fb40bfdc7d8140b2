package frameworks_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// ginKnown runs f for who is asking, and for nobody without a valid token.
func ginKnown(a *auth.Authenticator, f func(*gin.Context, auth.Identity)) gin.HandlerFunc {
	return func(c *gin.Context) {
		authhttp.RequireFunc(a, func(_ http.ResponseWriter, r *http.Request, who auth.Identity) {
			c.Request = r
			f(c, who)
		}).ServeHTTP(c.Writer, c.Request)
	}
}

func ginRouter(a *auth.Authenticator) http.Handler {
	r := gin.New()
	r.POST("/users/register", gin.WrapH(authhttp.Register(a)))
	r.POST("/users/login", gin.WrapH(authhttp.Login(a)))
	r.GET("/orders", ginKnown(a, func(c *gin.Context, who auth.Identity) {
		c.String(http.StatusOK, "orders of "+who.UserID)
	}))
	return r
}

func TestGin(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	a, id, token := newUser(t)
	testGuard(t, inProcess(ginRouter(a)), "/orders", id, token)
}

// The trap that the guide names: Gin calls the next handler whatever the one before
// has answered.
func TestGinGoesOnAfterA401(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	a, _, _ := newUser(t)
	r := gin.New()
	r.Use(gin.WrapH(authhttp.Require(a)(http.NotFoundHandler())))
	ran := false
	r.GET("/orders", func(c *gin.Context) { ran = true })
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/orders", nil))
	if w.Code != http.StatusUnauthorized || !ran {
		t.Errorf("%d, ran: %t; if Gin stops now the guide need not warn of it", w.Code, ran)
	}
}
