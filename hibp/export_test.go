package hibp

var (
	Hash   = hash
	Search = search
	LookUp = lookUp
)

const MaxBody = maxBody
