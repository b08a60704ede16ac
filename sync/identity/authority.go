package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// HubName is the hub's name at a broker, as the common name of its certificate.
// It has a character that no station's name has.
const HubName = "cs.hub"

// How long certificates are good for.
const (
	authorityLife = 30 * 365 * 24 * time.Hour // stations pin it
	stationLife   = 365 * 24 * time.Hour      // renewed after two thirds
	serverLife    = 90 * 24 * time.Hour       // the hub's own, which it renews by itself
	BrokerLife    = 2 * 365 * 24 * time.Hour  // of a broker elsewhere, which a person renews
	skew          = 24 * time.Hour            // they begin that much earlier, for clocks that are behind
)

// Authority is the library's own certificate authority: it vouches for its
// broker, its hub and its stations, and for nothing else. Two files in PEM,
// authority.crt and authority.key, the latter readable by its owner alone:
// whoever has it can make stations.
//
// Keys are ECDSA on P-256, which every TLS library knows, but for the stations'
// own, which are the Ed25519 keys that sign what they send.
type Authority struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// LoadAuthority reads the authority in a folder, and makes one when there is
// none yet.
func LoadAuthority(folder string, at time.Time) (*Authority, error) {
	keyFile, certFile := filepath.Join(folder, "authority.key"), filepath.Join(folder, "authority.crt")
	err := private(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		a, err := newAuthority(at)
		if err != nil {
			return nil, fmt.Errorf("make the library's authority: %w", err)
		}
		key, err := x509.MarshalPKCS8PrivateKey(a.key)
		if err != nil {
			return nil, fmt.Errorf("make the library's authority: %w", err)
		}
		// The certificate first: without a key it is made anew.
		if err := WriteFile(certFile, encode("CERTIFICATE", a.cert.Raw), 0o644); err != nil {
			return nil, err
		}
		return a, write(keyFile, encode("PRIVATE KEY", key))
	}
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the library's authority: %w", err)
	}
	signer, is := pair.PrivateKey.(crypto.Signer)
	if !is || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("read %s: it is no authority", certFile)
	}
	if err := pair.Leaf.CheckSignatureFrom(pair.Leaf); err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", certFile, ErrDamaged, err)
	}
	return &Authority{signer, pair.Leaf}, nil
}

func newAuthority(at time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Coldstation library"},
		NotBefore:             at.Add(-skew),
		NotAfter:              at.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &Authority{key, cert}, err
}

// Certificate is the authority's own, which stations pin.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// PEM is the authority's certificate for programs that read files.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.cert.Raw) }

// Pool is the authority as the only one to trust.
func (a *Authority) Pool() *x509.CertPool { return pool(a.cert) }

func pool(cert *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(cert)
	return p
}

// Fingerprint is SHA-256 of a certificate, for a person to compare.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	text := strings.ToUpper(hex.EncodeToString(sum[:]))
	var groups []string
	for ; text != ""; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(groups, " ")
}

// Server is a certificate, with a new key, for who is reached under names: DNS
// names and addresses. The loopback names are always among them.
func (a *Authority) Server(names []string, life time.Duration, at time.Time) (tls.Certificate, error) {
	if len(names) == 0 {
		names = []string{"localhost"}
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		NotAfter:    at.Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range append([]string{"localhost", "127.0.0.1", "::1"}, names...) {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return a.withKey(template, at)
}

// Hub is the certificate, with a new key, by which the hub goes to a broker. It
// is good for a day: the hub makes one for each connection.
func (a *Authority) Hub(at time.Time) (tls.Certificate, error) {
	return a.withKey(&x509.Certificate{
		Subject:     pkix.Name{CommonName: HubName},
		NotAfter:    at.Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, at)
}

// Station is a certificate for a station's key.
func (a *Authority) Station(id circ.StationID, key ed25519.PublicKey, at time.Time) (*x509.Certificate, error) {
	if !id.Valid() {
		return nil, fmt.Errorf("certificate for %q: no station's name", id)
	}
	der, err := a.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: string(id)},
		DNSNames:    []string{string(id)},
		NotAfter:    at.Add(stationLife),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key, at)
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", id, err)
	}
	return x509.ParseCertificate(der)
}

func (a *Authority) withKey(template *x509.Certificate, at time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := a.sign(template, key.Public(), at)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for %s: %w", template.Subject.CommonName, err)
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, err
}

func (a *Authority) sign(template *x509.Certificate, key crypto.PublicKey, at time.Time) ([]byte, error) {
	template.SerialNumber, template.NotBefore = serial(), at.Add(-skew)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	return x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
}

// RevocationList is the list, in PEM, of revoked certificates for a broker that
// cannot ask the hub. It is written anew whenever somebody is revoked; that it
// is good for a year is so that a hub at rest locks out nobody.
func (a *Authority) RevocationList(serials []*big.Int, at time.Time) ([]byte, error) {
	list := &x509.RevocationList{Number: big.NewInt(at.UnixMilli()), ThisUpdate: at.Add(-skew), NextUpdate: at.AddDate(1, 0, 0)}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: s, RevocationTime: at})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		return nil, fmt.Errorf("list revoked certificates: %w", err)
	}
	return encode("X509 CRL", der), nil
}

// ServerTLS is how the hub listens to stations: TLS 1.3, with a certificate for
// names that it renews by itself. Whoever shows a certificate must have it from
// this authority; auth says whether one must be shown.
func (a *Authority) ServerTLS(names []string, auth tls.ClientAuthType, now func() time.Time) *tls.Config {
	current := renewing(now, func(at time.Time) (tls.Certificate, error) { return a.Server(names, serverLife, at) })
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		ClientAuth:     auth,
		ClientCAs:      a.Pool(),
		Time:           now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current() },
	}
}

// HubTLS is how the hub goes to a broker, whose certificate roots vouch for: nil
// for the authority itself.
func (a *Authority) HubTLS(roots *x509.CertPool, now func() time.Time) *tls.Config {
	if roots == nil {
		roots = a.Pool()
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		RootCAs:    roots,
		Time:       now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := a.Hub(now())
			return &cert, err
		},
	}
}

// Name is whose certificate it is: HubName or a station's name, if it came to
// us by a handshake that this authority's pool checked.
func Name(cert *x509.Certificate) string { return cert.Subject.CommonName }

// CertifiedBy reports whether cert was made for the station as the hub now
// knows it: for its name, and for the key that it signs with.
func (e Enrolled) CertifiedBy(cert *x509.Certificate) bool {
	key, is := cert.PublicKey.(ed25519.PublicKey)
	return is && !e.Revoked && Name(cert) == string(e.Station) && key.Equal(e.Signing)
}

// WriteKeyPair writes a certificate and its key in PEM, for a broker elsewhere.
func WriteKeyPair(certFile, keyFile string, pair tls.Certificate) error {
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return err
	}
	if err := WriteFile(keyFile, encode("PRIVATE KEY", key), 0o600); err != nil {
		return err
	}
	return WriteFile(certFile, encode("CERTIFICATE", pair.Certificate[0]), 0o644)
}

func serial() *big.Int {
	return new(big.Int).SetBytes(append([]byte{1}, random(15)...)) // positive, 16 bytes (RFC 5280, 4.1.2.2)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// WriteFile makes or replaces a file whole: after a power cut it is the old one
// or the new one.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	file, err := draft(path, content, mode)
	if err != nil {
		return err
	}
	if err := os.Rename(file, path); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return syncFolder(path)
}

// draft writes a whole file beside path, under another name.
func draft(path string, content []byte, mode fs.FileMode) (name string, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(file.Name()))
	}
	return file.Name(), nil
}

func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
