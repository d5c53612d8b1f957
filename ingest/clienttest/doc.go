// Package clienttest has no code of its own. Its tests run the libraries that apps have
// against package ingest, over loopback, and compare what arrives message for message:
// Segment's and RudderStack's for Node, and theirs for browsers in headless Chromium.
//
//	cd ingest/clienttest && npm ci && go test -v .
//
// They need Node and the packages of package-lock.json (npm ci), and Chromium
// (apt-get install chromium). Where these are missing the tests are skipped and say so;
// with CI=true in the environment they fail.
package clienttest
