//go:build race

package password_test

// raced is whether the race detector is on, which makes everything some thirty
// times as slow.
const raced = true
