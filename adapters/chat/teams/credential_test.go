package teams_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/chat/teams"
	"resetbot/adapters/chat/teams/teamstest"
)

// identity makes a credential of a cloud's, with its secret unless change says
// otherwise.
func identity(t testing.TB, c *teamstest.Cloud, change func(*teams.CredentialOptions)) teams.Credential {
	t.Helper()
	o := teams.CredentialOptions{AppID: c.AppID, TenantID: c.Tenant, TokenURL: c.TokenURL, Secret: c.Secret, Client: c.Client()}
	if change != nil {
		change(&o)
	}
	as, err := teams.NewCredential(o)
	if err != nil {
		t.Fatal(err)
	}
	return as
}

func token(t testing.TB, as teams.Credential) string {
	t.Helper()
	got, err := as.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestOneFetchIsForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		c.Next(teamstest.Tokens, teamstest.Trouble{Delay: 2 * time.Second})
		as := identity(t, c, nil)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { token(t, as) })
		}
		all.Wait()
		time.Sleep(54 * time.Minute)
		token(t, as)
		if n := c.Fetched().Tokens; n != 1 {
			t.Errorf("%d fetches in 54 minutes", n)
		}
	})
}

func TestATokenIsRenewedAheadAndNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		as := identity(t, c, nil)
		first := token(t, as)
		c.Break(teamstest.Tokens, teamstest.Trouble{Delay: 3 * time.Second})
		time.Sleep(55*time.Minute + time.Second)
		began := time.Now()
		for range 20 {
			if got := token(t, as); got != first {
				t.Errorf("another token before it was there")
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("it was waited for %v", time.Since(began))
		}
		time.Sleep(4 * time.Second)
		if token(t, as) == first || c.Fetched().Tokens != 2 {
			t.Errorf("the old token again, after %d fetches", c.Fetched().Tokens)
		}
	})
}

func TestATokenThatCannotBeRenewedIsUsedToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		log := &bytes.Buffer{}
		as := identity(t, c, func(o *teams.CredentialOptions) { o.Log = slog.New(slog.NewTextHandler(log, nil)) })
		first := token(t, as)
		c.Break(teamstest.Tokens, teamstest.Trouble{Status: 400, Code: "invalid_request"})
		time.Sleep(55*time.Minute + time.Second)
		for range 4*60 + 25 {
			if got := token(t, as); got != first {
				t.Fatalf("another token from a broken endpoint")
			}
			time.Sleep(time.Second)
		}
		if n := c.Fetched().Tokens; n < 20 || n > 60 {
			t.Errorf("%d fetches in 5 minutes of an outage, want one every 5 s", n)
		}
		time.Sleep(10 * time.Second)
		if got, err := as.Token(t.Context()); err == nil {
			t.Errorf("a token after its end: %q", got)
		}
		if !strings.Contains(log.String(), "still good") {
			t.Errorf("nobody was told: %s", log)
		}
		c.Mend(teamstest.Tokens)
		time.Sleep(6 * time.Second)
		token(t, as)
	})
}

func TestAnOutageIsNotAskedAboutOnceAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		c.Break(teamstest.Tokens, teamstest.Trouble{Status: 503})
		as := identity(t, c, nil)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := as.Token(t.Context()); err == nil {
					t.Error("a token")
				}
			})
		}
		all.Wait()
		if n := c.Fetched().Tokens; n != 3 {
			t.Errorf("%d requests for 100 messages, want one try, thrice", n)
		}
		c.Mend(teamstest.Tokens)
		time.Sleep(5*time.Second + time.Millisecond)
		token(t, as)
	})
}

func TestAHiccupOfTheTokenEndpointIsNotSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		for _, trouble := range []teamstest.Trouble{{Drop: true}, {Lose: true}, {Half: true}, {Status: 429}, {Status: 502}} {
			c.Next(teamstest.Tokens, trouble)
			token(t, identity(t, c, nil))
		}
	})
}

func TestAWaitForATokenEndsWithWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		c.Next(teamstest.Tokens, teamstest.Trouble{Delay: 5 * time.Second})
		as := identity(t, c, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := as.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		token(t, as) // the fetch went on for whoever comes next
		if n := c.Fetched().Tokens; n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestAShortTokenIsRenewedAheadToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		c.Lifetime(time.Minute)
		as := identity(t, c, nil)
		for range 60 {
			token(t, as)
			time.Sleep(time.Second)
		}
		if n := c.Fetched().Tokens; n != 2 {
			t.Errorf("%d fetches in a minute", n)
		}
	})
}

func TestATokenIsThrownAwayOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		as := identity(t, c, nil)
		first := token(t, as)
		as.Discard("another")
		if token(t, as) != first {
			t.Error("somebody else's token was thrown away")
		}
		as.Discard(first)
		second := token(t, as)
		if second == first {
			t.Error("the token was kept")
		}
		as.Discard(second)
		if token(t, as) != second {
			t.Error("a second one within a minute")
		}
		time.Sleep(time.Minute)
		as.Discard(second)
		if token(t, as) == second {
			t.Error("the token was kept a minute later")
		}
	})
}

// paper makes a certificate and its key in PEM.
func paper(t testing.TB, key crypto.Signer, from, to time.Time) (text string, c *x509.Certificate) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(from.Unix()), Subject: pkix.Name{CommonName: "resetbot"}, NotBefore: from, NotAfter: to,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), c
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // to make keys that are too short
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestACertificateSignsInsteadOfASecret(t *testing.T) {
	now := time.Now()
	key := rsaKey(t, 2048)
	text, registered := paper(t, key, now.Add(-time.Hour), now.Add(time.Hour))
	otherText, _ := paper(t, key, now.Add(-2*time.Hour), now.Add(time.Hour))
	c := teamstest.StartWith(t, teamstest.Options{Certificate: registered})
	as := identity(t, c, func(o *teams.CredentialOptions) { o.Secret, o.Certificate = "", text })
	first := token(t, as)
	as.Discard(first)
	if token(t, as) == first { // each statement is another: the cloud takes none twice
		t.Error("no new token")
	}
	foreign := identity(t, c, func(o *teams.CredentialOptions) { o.Secret, o.Certificate = "", otherText })
	if _, err := foreign.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "AADSTS700027") {
		t.Errorf("a certificate that is not registered: %v", err)
	}
}

func TestAnExpiredCertificateIsToldBeforeAnybodyIsAsked(t *testing.T) {
	now := time.Now()
	text, registered := paper(t, rsaKey(t, 2048), now.Add(-48*time.Hour), now.Add(-time.Hour))
	c := teamstest.StartWith(t, teamstest.Options{Certificate: registered})
	as := identity(t, c, func(o *teams.CredentialOptions) { o.Secret, o.Certificate = "", text })
	_, err := as.Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is good from") || c.Fetched().Tokens != 0 {
		t.Errorf("%v after %d requests", err, c.Fetched().Tokens)
	}
}

func TestAC70_WhatCannotBeACredentialIsSaidAtOnce(t *testing.T) {
	now := time.Now()
	good, _ := paper(t, rsaKey(t, 2048), now, now.Add(time.Hour))
	small, _ := paper(t, rsaKey(t, 1024), now, now.Add(time.Hour))
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	elliptical, _ := paper(t, curve, now, now.Add(time.Hour))
	stranger, _ := paper(t, rsaKey(t, 2048), now, now.Add(time.Hour))
	keyEnd := strings.Index(good, "-----BEGIN CERTIFICATE")
	strangerKeyEnd := strings.Index(stranger, "-----BEGIN CERTIFICATE")
	const endpoint = "https://login.example/{tenant_id}/token"
	for name, o := range map[string]teams.CredentialOptions{
		"no app":                    {TenantID: "t", TokenURL: endpoint, Secret: "GEHEIM"},
		"nothing":                   {AppID: "a", TenantID: "t", TokenURL: endpoint},
		"a secret and a key":        {AppID: "a", TenantID: "t", TokenURL: endpoint, Secret: "GEHEIM", Certificate: good},
		"a secret and a machine":    {AppID: "a", TenantID: "t", TokenURL: endpoint, Secret: "GEHEIM", ManagedIdentity: true},
		"http":                      {AppID: "a", TenantID: "t", TokenURL: "http://login.example/token", Secret: "GEHEIM"},
		"userinfo":                  {AppID: "a", TenantID: "t", TokenURL: "https://GEHEIM@login.example/token", Secret: "GEHEIM"},
		"no address":                {AppID: "a", TenantID: "t", TokenURL: "{tenant_id}", Secret: "GEHEIM"},
		"no tenant":                 {AppID: "a", TokenURL: endpoint, Secret: "GEHEIM"},
		"a tenant with dots":        {AppID: "a", TenantID: "../x", TokenURL: endpoint, Secret: "GEHEIM"},
		"no PEM":                    {AppID: "a", TenantID: "t", TokenURL: endpoint, Certificate: "GEHEIM"},
		"a key alone":               {AppID: "a", TenantID: "t", TokenURL: endpoint, Certificate: good[:keyEnd]},
		"a certificate alone":       {AppID: "a", TenantID: "t", TokenURL: endpoint, Certificate: good[keyEnd:]},
		"another certificate's key": {AppID: "a", TenantID: "t", TokenURL: endpoint, Certificate: stranger[:strangerKeyEnd] + good[keyEnd:]},
		"1024 bits":                 {AppID: "a", TenantID: "t", TokenURL: endpoint, Certificate: small},
		"no RSA":                    {AppID: "a", TenantID: "t", TokenURL: endpoint, Certificate: elliptical},
	} {
		_, err := teams.NewCredential(o)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		for _, mark := range []string{"GEHEIM", good[100:140], "MII"} {
			if strings.Contains(err.Error(), mark) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestARefusalSaysWhatAnAdministratorCanDo(t *testing.T) {
	for _, c := range []struct {
		trouble teamstest.Trouble
		want    []string
	}{
		{
			teamstest.Trouble{Status: 401, Code: "invalid_client", Text: "AADSTS7000215: Invalid client secret provided. GEHEIM"},
			[]string{"AADSTS7000215", "invalid_client", "not its id"},
		},
		{
			teamstest.Trouble{Status: 401, Code: "invalid_client", Text: "AADSTS7000222: The provided client secret keys are expired."},
			[]string{"AADSTS7000222", "expired"},
		},
		{teamstest.Trouble{Status: 400, Code: "unauthorized_client", Text: "AADSTS700016: x"}, []string{"app_id"}},
		{teamstest.Trouble{Status: 400, Code: "invalid_request", Text: "AADSTS90002: Tenant 'GEHEIM' not found."}, []string{"tenant_id"}},
		{teamstest.Trouble{Status: 400, Code: "invalid_grant", Text: "AADSTS999999: x"}, []string{"AADSTS999999", "look the code up"}},
		{teamstest.Trouble{Status: 400, Body: `{"error":"invalid_client","error_codes":[7000215],"error_description":""}`}, []string{"not its id"}},
		{teamstest.Trouble{Status: 404, Body: "<html>GEHEIM"}, []string{"status 404", "token_url"}},
		{teamstest.Trouble{Status: 400, Code: "GEHEIM", Text: "GEHEIM AADSTS"}, []string{"status 400"}},
		{teamstest.Trouble{Status: 302, Location: "http://127.0.0.1:1/GEHEIM"}, []string{"status 302", "token_url"}},
		{teamstest.Trouble{Status: 200, Body: `{"GEHEIM":1}`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: `<html>GEHEIM`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: `{"token_type":"Bearer","expires_in":3600,"access_token":""}`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: `{"token_type":"Bearer","expires_in":3600,"access_token":"GEHEIM\r\nX: y"}`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: `{"token_type":"mac","expires_in":3600,"access_token":"GEHEIM"}`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: `{"token_type":"Bearer","expires_in":-1,"access_token":"GEHEIM"}`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: `{"token_type":"Bearer","expires_in":"NaN","access_token":"GEHEIM"}`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: `{"token_type":"Bearer","expires_in":null,"access_token":7}`}, []string{"without a token"}},
		{teamstest.Trouble{Status: 200, Body: strings.Repeat("GEHEIM", 1<<20)}, []string{"without a token"}},
	} {
		cloud := teamstest.StartWith(t, teamstest.Options{Secret: "MERK-geheim"})
		cloud.Break(teamstest.Tokens, c.trouble)
		_, err := identity(t, cloud, nil).Token(t.Context())
		if err == nil {
			t.Errorf("%+v: a token", c.trouble)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\ndoes not say %q", err, want)
			}
		}
		for _, mark := range []string{"GEHEIM", "MERK", cloud.Tenant} {
			if strings.Contains(err.Error(), mark) {
				t.Errorf("%v\nsays %q", err, mark)
			}
		}
		if n := cloud.Fetched().Tokens; n != 1 {
			t.Errorf("%v: asked %d times", err, n)
		}
	}
}

func TestAWrongSettingIsNamed(t *testing.T) {
	c := teamstest.Start(t)
	for want, change := range map[string]func(*teams.CredentialOptions){
		"AADSTS7000215": func(o *teams.CredentialOptions) { o.Secret = "wrong" },
		"AADSTS700016":  func(o *teams.CredentialOptions) { o.AppID = "another" },
		"AADSTS90002":   func(o *teams.CredentialOptions) { o.TenantID = "another" },
		"connect":       func(o *teams.CredentialOptions) { o.TokenURL = "http://127.0.0.1:1/token" },
	} {
		if _, err := identity(t, c, change).Token(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
}

func TestASecretFollowsNoRedirect(t *testing.T) {
	asked := make(chan struct{}, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} }))
	t.Cleanup(elsewhere.Close)
	c := teamstest.Start(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		c.Next(teamstest.Tokens, teamstest.Trouble{Status: status, Location: elsewhere.URL})
		if _, err := identity(t, c, nil).Token(t.Context()); err == nil {
			t.Errorf("%d: a token", status)
		}
	}
	if len(asked) != 0 {
		t.Error("a redirect was followed")
	}
}

func TestAnAnswerMayLeaveOutWhatIsUsual(t *testing.T) {
	c := teamstest.Start(t)
	for _, answer := range []string{`{"token_type":"bearer","expires_in":"3600","access_token":"abc"}`, `{"access_token":"abc"}`} {
		c.Next(teamstest.Tokens, teamstest.Trouble{Status: 200, Body: answer})
		if got := token(t, identity(t, c, nil)); got != "abc" {
			t.Errorf("%s: %q", answer, got)
		}
	}
}

func TestAMachineInAzureHasAnIdentityOfItsOwn(t *testing.T) {
	c := teamstest.StartWith(t, teamstest.Options{AppID: "managed-" + fmt.Sprint(time.Now().UnixNano())}) // azidentity remembers them for the process
	t.Setenv("IDENTITY_ENDPOINT", c.IdentityURL)
	t.Setenv("IDENTITY_HEADER", c.IdentityHeader)
	managed := func(o *teams.CredentialOptions) { o.Secret, o.ManagedIdentity = "", true }
	as := identity(t, c, managed)
	token(t, as)
	token(t, as)
	if n := c.Fetched().Tokens; n != 1 {
		t.Errorf("%d fetches", n)
	}
	l := &line{Cloud: c}
	l.Connector = teams.NewConnector(teams.ConnectorOptions{AppID: c.AppID, Credential: as, Hosts: []string{c.Host}, Client: c.Client()})
	l.to = l.reference(c.Person(teamstest.Person{}))
	l.send(t, "x")
	foreign := identity(t, c, func(o *teams.CredentialOptions) { managed(o); o.AppID = "another" })
	_, err := foreign.Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "answered 400") || strings.Contains(err.Error(), c.IdentityHeader) {
		t.Errorf("an identity that is not assigned: %v", err)
	}
	t.Setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/GEHEIM")
	lost := identity(t, c, func(o *teams.CredentialOptions) { managed(o); o.AppID = "third" })
	if _, err := lost.Token(t.Context()); err == nil || strings.Contains(err.Error(), "GEHEIM") {
		t.Errorf("no identity at all: %v", err)
	}
}
