package main

import (
	"errors"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// TestSignedRank compares with sums of ranks made by hand. The variance is
// that of Conover, Practical Nonparametric Statistics, §5.7: a quarter of the
// sum of squared ranks.
func TestSignedRank(t *testing.T) {
	for _, test := range []struct {
		name        string
		differences []float64
		positive    float64 // sum of their ranks
		n, squares  float64
	}{
		// Darwin's maize, the example of scipy.stats.wilcoxon, which finds the
		// sum 24 of the negative ranks and an exact p of 0.0413.
		{"Darwin", []float64{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75}, 96, 15, 1240},
		// ranks 1.5 1.5 3.5 3.5 6 6 6 8 9
		{"ties and a zero", []float64{1, -2, 3, 4, 5, 0, 2, -1, 3, 3}, 40, 9, 282},
		{"even", []float64{-3, 3, -1, 1}, 5, 4, 29},
	} {
		z := (test.positive - test.n*(test.n+1)/4) / math.Sqrt(test.squares/4)
		want := 1 - math.Erf(math.Abs(z)/math.Sqrt2)
		if got := signedRank(test.differences); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: p = %v, want %v", test.name, got, want)
		}
	}
	if p := signedRank([]float64{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75}); math.Abs(p-0.0413) > 0.001 {
		t.Errorf("Darwin: p = %v, want about 0.0413", p)
	}
	for _, nothing := range [][]float64{nil, {0, 0, 0}} {
		if p := signedRank(nothing); p != 1 {
			t.Errorf("%v: p = %v, want 1", nothing, p)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values         []float64
		median, spread float64
	}{
		{[]float64{3}, 3, 0},
		{[]float64{9, 1, 4}, 4, 3},
		{[]float64{9, 1, 4, 2}, 3, 1.5},
	} {
		if m, s := median(test.values), spread(test.values); m != test.median || s != test.spread {
			t.Errorf("%v: median %v, spread %v", test.values, m, s)
		}
	}
}

// TestMedianInterval: the 40th and the 61st of 100 values have the median
// between them with 96.5 %, the next ones inwards with 94.3 % (by the binomial
// distribution, summed in Python).
func TestMedianInterval(t *testing.T) {
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64(100 - i)
	}
	if low, high := medianInterval(values, 1.96); low != 40 || high != 61 {
		t.Errorf("%v to %v, want 40 to 61", low, high)
	}
	if low, high := medianInterval([]float64{2, 1, 3}, z99); low != 1 || high != 3 {
		t.Errorf("of three values: %v to %v, want all", low, high)
	}
}

// TestCompare tries it on differences that are known, beside noise that is not
// symmetric. Chance is seeded.
func TestCompare(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		shift, limit float64
		want         verdict
	}{
		{0, 20, equal},
		{20, 20, different},
		{-20, 20, different},
		{15, 20, different},
		{5, 20, equal},
		{0, 0.5, unresolved},
	} {
		a, b := make([]float64, 5000), make([]float64, 5000)
		for i := range a {
			a[i] = 200 + 50*random.ExpFloat64()
			b[i] = 200 + 50*random.ExpFloat64() + test.shift
		}
		got := compare(a, b)
		if v := got.verdict(test.limit); v != test.want {
			t.Errorf("shift %v, limit %v: %s (%+v)", test.shift, test.limit, v, got)
		}
		if math.Abs(got.median-test.shift) > got.resolves || got.resolves > 6 || math.Abs(test.shift) >= 5 && got.p > 0.01 {
			t.Errorf("shift %v: %+v", test.shift, got)
		}
	}
}

func TestReport(t *testing.T) {
	asked := []class{baseline, classes[0], noDecoy}
	same, more := make([]float64, 100), make([]float64, 100)
	for i := range same {
		same[i], more[i] = float64(100+i%3), float64(200+i%3)
	}
	for _, test := range []struct {
		name  string
		times [][]float64
		want  string // of the error
	}{
		{"as it should be", [][]float64{same, same, more}, ""},
		{"a leak", [][]float64{same, more, more}, "another user: DIFFERENT"},
		{"a control that passes", [][]float64{same, same, same}, "no decoy: within the limit"},
	} {
		err := section{name: "a hasher"}.report(io.Discard, []result{{memoryStore, clean, 10, asked, test.times}})
		if (err != nil) != (test.want != "") || err != nil && !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestBurner(t *testing.T) {
	authtest.TestHasher(t, burner(1))
	if b := newBurner(time.Microsecond); b < 1 {
		t.Errorf("newBurner gave %d", b)
	}
}

// everyState is what is measured in each store.
var everyState = append([]state{clean}, throttled...)

// TestSection asks for every class a few times. What it finds is not looked at,
// only that everybody was refused, with the status of the state.
func TestSection(t *testing.T) {
	var out strings.Builder
	s := section{name: "a hasher", hasher: burner(1), rounds: 5, batch: 2, stores: []store{memoryStore}, states: everyState, limit: func(_ store, _ state, d time.Duration) time.Duration { return d / 50 }}
	s.run(&out)
	for _, state := range everyState {
		rows := regexp.MustCompile(`(?m)^memory +`+state.name+`  +(\S+( \S+)*)`).FindAllStringSubmatch(out.String(), -1)
		asked := slices.Concat([]class{baseline}, state.classes, state.controls)
		for i, c := range asked {
			if len(rows) != len(asked) || rows[i][1] != c.name {
				t.Errorf("%s: no %q in\n%s", state.name, c.name, &out)
			}
		}
	}
}

// A state is what it says: what is asked for in it is answered so, and what is asked for in
// another one is found out by its status.
func TestStates(t *testing.T) {
	for _, test := range []struct {
		state  state
		status int
		want   string // of the error
	}{
		{throttled[0], http.StatusUnauthorized, ""},
		{throttled[0], http.StatusTooManyRequests, "401"},
		{throttled[1], http.StatusTooManyRequests, ""},
		{throttled[1], http.StatusUnauthorized, "429"},
		{throttled[3], http.StatusUnauthorized, "429"},
	} {
		test.state.status = test.status
		s := section{name: "a hasher", hasher: burner(1), rounds: 1, stores: []store{memoryStore}, states: []state{test.state}, limit: func(store, state, time.Duration) time.Duration { return time.Microsecond }}
		_, err := s.in(memoryStore)
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %d: %v", test.state.name, test.status, err)
		}
	}
}

// TestServer does the same in a server too.
func TestServer(t *testing.T) {
	mysqltest.Start(t) // skips where there is none
	server, err := openServer(os.Getenv("AUTH_TEST_MYSQLD"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	var out strings.Builder
	s := section{name: "a hasher", hasher: burner(1), rounds: 3, stores: []store{memoryStore, server}, states: everyState, limit: func(s store, _ state, _ time.Duration) time.Duration { return s.limit }}
	s.run(&out)
	want := 0
	for _, s := range everyState {
		if s.refused {
			continue
		}
		want += 1 + len(s.classes) + len(s.controls)
	}
	if n := strings.Count(out.String(), server.name+" "); n != want {
		t.Errorf("%d rows of %s, want %d in\n%s", n, server.name, want, &out)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-fast", "-1"}, {"-fast", "0", "-real", "0"}, {"-no"}, {"beside"}} {
		if err := run(args, io.Discard); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v, want a usage error", args, err)
		}
	}
	var help strings.Builder
	if err := run([]string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-fast") {
		t.Errorf("-h: %v\n%s", err, &help)
	}
}
