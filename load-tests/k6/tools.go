//go:build tools

// Package tools names k6 as this module's one dependency, so that go.mod and go.sum pin it and all it is made of.
package tools

import _ "go.k6.io/k6/v2"
