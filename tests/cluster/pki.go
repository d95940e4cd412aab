package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Names in the certificates.
const (
	adminUser    = "kubernetes-admin"
	internalUser = "system:kubegate-test-cluster"
	kubeletUser  = "kube-apiserver-kubelet-client"
	adminGroup   = "system:masters"
)

// validity of every certificate; a kept directory must go on working.
const validity = 10 * 365 * 24 * time.Hour

// keyPair names the two files of a certificate.
type keyPair struct{ cert, key string }

// pki is the certificates and keys of one cluster, all under one directory.
type pki struct {
	caFile            string
	ca                *x509.Certificate
	caKey             *ecdsa.PrivateKey
	dir               string
	serving           keyPair // API server and kubelet, for 127.0.0.1 and localhost
	admin             keyPair // for people and tests
	internal          keyPair // for our own controllers and kubelet
	kubeletClient     keyPair // the API server towards the kubelet
	serviceAccountKey string
}

// loadPKI makes what is missing in dir and keeps what is there.
func loadPKI(dir string) (*pki, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := &pki{dir: dir, caFile: filepath.Join(dir, "ca.crt"), serviceAccountKey: filepath.Join(dir, "service-account.key")}
	if err := p.loadAuthority(); err != nil {
		return nil, err
	}
	if err := ensureKey(p.serviceAccountKey); err != nil {
		return nil, err
	}
	for _, leaf := range []struct {
		pair    *keyPair
		name    string
		subject pkix.Name
		server  bool
	}{
		{&p.serving, "server", pkix.Name{CommonName: "127.0.0.1"}, true},
		{&p.admin, "admin", pkix.Name{CommonName: adminUser, Organization: []string{adminGroup}}, false},
		{&p.internal, "internal", pkix.Name{CommonName: internalUser, Organization: []string{adminGroup}}, false},
		{&p.kubeletClient, "kubelet-client", pkix.Name{CommonName: kubeletUser}, false},
	} {
		var err error
		if *leaf.pair, err = p.issue(leaf.name, leaf.subject, leaf.server); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// kubeletTLS is the kubelet's side of TLS: only the API server's own certificate gets in.
func (p *pki) kubeletTLS() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(p.serving.cert, p.serving.key)
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	clients.AddCert(p.ca)
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
		NextProtos:   []string{"http/1.1"},
		MinVersion:   tls.VersionTLS12,
		VerifyConnection: func(state tls.ConnectionState) error {
			if name := state.PeerCertificates[0].Subject.CommonName; name != kubeletUser {
				return fmt.Errorf("kubelet: %q is not the API server", name)
			}
			return nil
		},
	}, nil
}

func (p *pki) loadAuthority() error {
	keyFile := filepath.Join(p.dir, "ca.key")
	if err := ensureKey(keyFile); err != nil {
		return err
	}
	var err error
	if p.caKey, err = readKey(keyFile); err != nil {
		return err
	}
	if _, err := os.Stat(p.caFile); errors.Is(err, fs.ErrNotExist) {
		template := certificate(pkix.Name{CommonName: "kubegate-test-cluster"})
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
		if err := sign(p.caFile, template, template, &p.caKey.PublicKey, p.caKey); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(p.caFile)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return fmt.Errorf("%s holds no certificate", p.caFile)
	}
	p.ca, err = x509.ParseCertificate(block.Bytes)
	return err
}

// issue makes a certificate signed by the authority, unless it is there.
func (p *pki) issue(name string, subject pkix.Name, server bool) (keyPair, error) {
	pair := keyPair{filepath.Join(p.dir, name+".crt"), filepath.Join(p.dir, name+".key")}
	if _, err := os.Stat(pair.cert); err == nil {
		return pair, nil
	}
	if err := ensureKey(pair.key); err != nil {
		return pair, err
	}
	key, err := readKey(pair.key)
	if err != nil {
		return pair, err
	}
	template := certificate(subject)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if server {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		template.DNSNames = []string{"localhost"}
	}
	return pair, sign(pair.cert, template, p.ca, &key.PublicKey, p.caKey)
}

func certificate(subject pkix.Name) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial) // never fails: crypto/rand ends the process instead
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      subject,
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(validity),
	}
}

func sign(path string, template, parent *x509.Certificate, public *ecdsa.PublicKey, signer *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return err
	}
	return writePEM(path, "CERTIFICATE", der)
}

// ensureKey writes a new P-256 key unless the file is there.
func ensureKey(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", der)
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", path)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func writePEM(path, kind string, der []byte) error {
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// writeFile replaces a file in one step, readable by its owner only.
func writeFile(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(file.Name())
		return err
	}
	return os.Rename(file.Name(), path)
}
