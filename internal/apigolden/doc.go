// Package apigolden holds the exported API of this module against the files in
// the folder api, so that every change of it is seen in review. It consists of
// a test alone; `make api` writes the files anew.
package apigolden
