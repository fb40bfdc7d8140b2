package authhttp

// DecodeStrings is decodeStrings for the tests, which are outside the package.
func DecodeStrings(data []byte, members map[string]func(string)) error {
	return decodeStrings(data, members)
}
