package throttle

// Change is what a failure has brought about, as events tell of it.
type Change struct {
	Kind string
	Code string // of whom
}

// What there is.
var (
	AccountSlowed  = Change{"attempts_slowed", "account"} // strangers
	AccountStopped = Change{"attempts_stopped", "account"}
	AllStopped     = Change{"attempts_stopped", "everybody"} // known clients too
	PairSlowed     = Change{"attempts_slowed", "account_network"}
	PairStopped    = Change{"attempts_stopped", "account_network"}
	NetworkSlowed  = Change{"attempts_slowed", "network"} // strangers of it, everywhere
	OwnSpent       = Change{"device_unknown", ""}         // or the session is to end
)
