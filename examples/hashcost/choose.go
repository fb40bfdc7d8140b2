package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
)

const mib = 1 << 10 // in KiB

// What an Argon2id{} verifies of others' hashes.
const (
	maxMemory  = 256 * mib
	maxPasses  = 16
	maxTotal   = 1024 * mib // memory × passes
	maxThreads = 16
)

// floors are the least memory for one, two, and three or more passes (ASVS 5.0
// appendix C).
var floors = [...]uint32{46 * mib, 19 * mib, 12 * mib}

// choice is what was chosen, and what it takes.
type choice struct {
	params auth.Argon2id
	took   time.Duration
	capped bool // more passes would fit the target, and are more than the cap
}

// choose returns the most passes over this memory that take no longer than the
// target, by what measure says.
func choose(target time.Duration, memoryKiB uint32, threads uint8, measure func(auth.Argon2id) (time.Duration, error)) (choice, error) {
	var fewest uint32
	for i := len(floors); i > 0; i-- {
		if memoryKiB >= floors[i-1] {
			fewest = uint32(i)
		}
	}
	if fewest == 0 || memoryKiB > maxMemory {
		return choice{}, fmt.Errorf("%v: the memory of one hash is %v to %v", size(memoryKiB), size(floors[2]), size(maxMemory))
	}
	at := func(passes uint32) (choice, error) {
		params := auth.Argon2id{Time: passes, MemoryKiB: memoryKiB, Threads: threads}
		took, err := measure(params)
		return choice{params: params, took: took}, err
	}
	best, err := at(fewest)
	if err != nil {
		return choice{}, err
	}
	if best.took > target {
		advice := "give a longer -target"
		if memoryKiB > floors[2] {
			advice += " or less -memory"
		}
		return choice{}, fmt.Errorf("%v take %v here in the fewest passes allowed, which is %d: %s",
			size(memoryKiB), best.took.Round(100*time.Microsecond), fewest, advice)
	}
	// Passes take about equally long: near the target one measures, and up or
	// down from there.
	most := min(maxPasses, maxTotal/memoryKiB)
	guess := min(most, uint32(min(maxPasses, int64(fewest)*int64(target)/max(1, int64(best.took)))))
	for passes := guess; passes > fewest; passes-- {
		next, err := at(passes)
		if err != nil {
			return choice{}, err
		}
		if next.took <= target {
			best = next
			break
		}
	}
	for best.params.Time >= guess && best.params.Time < most {
		next, err := at(best.params.Time + 1)
		if err != nil {
			return choice{}, err
		}
		if next.took > target {
			return best, nil
		}
		best = next
	}
	best.capped = best.params.Time == most && best.took < target*3/4
	return best, nil
}

// size is a number of KiB.
type size uint32

func (s size) String() string {
	if s%mib == 0 {
		return strconv.Itoa(int(s/mib)) + " MiB"
	}
	return strconv.Itoa(int(s)) + " KiB"
}

// MarshalText writes what UnmarshalText reads.
func (s size) MarshalText() ([]byte, error) {
	return []byte(strings.ReplaceAll(s.String(), " ", "")), nil
}

// UnmarshalText reads sizes such as 64MiB and 19456KiB.
func (s *size) UnmarshalText(text []byte) error {
	for suffix, kib := range map[string]uint64{"KiB": 1, "MiB": mib, "GiB": 1 << 20} {
		digits, ok := strings.CutSuffix(string(text), suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 16+6)
		if err != nil || n*kib > 1<<31 {
			break
		}
		*s = size(n * kib)
		return nil
	}
	return errors.New("not a size such as 64MiB")
}
