// Package docs holds the documents of this module against its code: snippets
// compile, programs print what is said, links lead somewhere, and every test,
// command and ASVS item that a document names is there. It consists of tests
// alone.
//
// The rules for those who write a document:
//
//   - A block of Go is either a whole program, declarations or the statements of a
//     function that returns an error. What is no program may use what
//     testdata/context.go declares and, without importing them, the packages that
//     snippets_test.go lists. All are formatted by gofmt.
//   - A block whose fence names a file, as in "```go integration/frameworks/chi.go",
//     is a part of that file, indentation aside. That is for code with dependencies
//     that this module does not have; the file's own module compiles it.
//   - A whole program that is followed by a block without a language prints that.
//   - A test, benchmark, fuzz target or example of the root package is named by its
//     name, one of another package with its folder in front: jwks.TestRequire.
//   - A row of the table in docs/security.md that the library meets names a test,
//     and the test's comment has the row's ID on a line of its own:
//     "ASVS 5.0 6.2.1, 6.2.9".
package docs
