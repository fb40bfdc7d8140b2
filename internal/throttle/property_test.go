package throttle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/throttle"
)

// open is a try that was let in and whose outcome is yet to come.
type open struct {
	pass    *throttle.Pass
	who     client
	limiter int
	at      time.Time
	epoch   int // how many had succeeded before
}

// In any order of tries, outcomes, outages and hours, of strangers and known clients in two
// processes: at most a hundred failures in a row are checked, and no known client is refused
// for what strangers did.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { anyOrder(t, &memory.Store{}, rand.New(rand.NewPCG(seed, 12)), 3000) })
		})
	}
}

func anyOrder(t *testing.T, store row.AttemptStore, random *rand.Rand, steps int) {
	limiters := []*throttle.Limiter{newLimiter(t, store, throttle.Config{}), newLimiter(t, store, throttle.Config{})}
	networks := 1 + random.IntN(40)
	devices := random.IntN(6)
	pause := time.Duration(1) << (20 + random.IntN(25)) // a millisecond to ten hours
	rights := random.IntN(200)                          // one in so many passwords is right
	var pending []open
	epoch, failures, ofKnown := 0, 0, 0 // since the last success
	forgiven := map[string]time.Time{}  // when a device that was spent succeeded
	ofOwn := map[string]int{}           // of a device, since its own
	flying := map[string]int{}
	last := time.Now() // when one was let in that has failed
	for step := range steps {
		switch which := random.IntN(10); {
		case which < 5:
			who := network(random.IntN(networks))
			if devices > 0 && random.IntN(3) == 0 {
				who = who.known(fmt.Sprint("device", random.IntN(devices)))
			}
			i := random.IntN(len(limiters))
			lane := fmt.Sprint(i, who.own != "")
			right := rights > 0 && random.IntN(rights+1) == 0
			if flying[lane] >= 2 || flying[fmt.Sprint(i, false)] >= 2 { // it would wait, or as a stranger
				continue
			}
			pass, err := begin(limiters[i], ada, who, fmt.Sprint(step))
			var refused *throttle.Error
			if errors.As(err, &refused) {
				spent := time.Since(forgiven[who.own]) < time.Second // which the other process knows until then
				if who.own != "" && ofOwn[who.own] < throttle.MostOwn && ofKnown < 20 && !spent {
					t.Fatalf("a known client is refused: %+v", refused)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if right {
				pass.Leave()
				if err := pass.Succeeded(t.Context()); err != nil {
					t.Fatal(err)
				}
				epoch++
				failures, ofKnown = 0, 0
				if ofOwn[who.own] >= throttle.MostOwn {
					forgiven[who.own] = time.Now()
				}
				delete(ofOwn, who.own)
				continue
			}
			flying[fmt.Sprint(i, pass.Known())]++
			pending = append(pending, open{pass, who, i, time.Now(), epoch})
		case which < 9 && len(pending) > 0:
			n := random.IntN(len(pending))
			o := pending[n]
			pending = append(pending[:n], pending[n+1:]...)
			flying[fmt.Sprint(o.limiter, o.pass.Known())]--
			switch {
			case random.IntN(20) == 0 && o.epoch == epoch: // else it would take back one of somebody else
				o.pass.Return(t.Context())
				o.pass.Leave()
			default:
				if _, err := o.pass.Failed(t.Context()); err != nil {
					t.Fatal(err)
				}
				o.pass.Leave()
				if time.Since(last) >= 30*24*time.Hour {
					failures = 0 // it is the first in thirty days
				}
				if last = o.at; o.epoch == epoch {
					failures++
				}
				if o.pass.Known() {
					ofKnown++
					ofOwn[o.who.own]++
				}
				if failures > 100 {
					t.Fatalf("%d failures in a row were checked", failures)
				}
			}
		default:
			time.Sleep(time.Duration(random.Int64N(int64(pause))))
		}
	}
}
