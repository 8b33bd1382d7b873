package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"resetbot/adapters/chat/web"
	"resetbot/adapters/mail"
	"resetbot/adapters/yamlfile"
	"resetbot/conversation"
)

// A setting is what stands behind a key of the configuration: a value, or a
// group of more keys. Values of one line are also fmt.Stringers, and tell what
// they are now.
type setting interface {
	// read takes the value from n; path is the key with those around it,
	// "policy.proofs.n".
	read(s *source, path string, n *yaml.Node)
}

// source is the configuration file that is read.
type source struct {
	*yamlfile.Reader
	given map[string]*yaml.Node // the values, by path
	env   func(string) string
}

// problem notes what is wrong with the setting at path: at its own line, or, if
// it was not given, at that of the nearest group around it that was.
func (s *source) problem(path, what string) {
	at := &yaml.Node{Line: 1}
	for around := path; around != ""; around = parent(around) {
		if n := s.given[around]; n != nil {
			at = n
			break
		}
	}
	s.wrong(at, path, what)
}

// wrong notes what is wrong with n, a value at path.
func (s *source) wrong(n *yaml.Node, path, what string) { s.Problem(n, "%s: %s", path, what) }

func parent(path string) string {
	return path[:max(0, strings.LastIndex(path, "."))]
}

// has reports whether the file says something at path.
func (s *source) has(path string) bool { return s.given[path] != nil }

// group is a group of keys. An empty one ("chats:" with nothing below) is as
// good as {}.
type group map[string]setting

func (g group) read(s *source, path string, n *yaml.Node) {
	known := map[string]func(*yaml.Node){}
	for key, setting := range g {
		at := strings.TrimPrefix(path+"."+key, ".")
		known[key] = func(n *yaml.Node) {
			s.given[at] = n
			setting.read(s, at, n)
		}
		if secret, ok := setting.(secretFile); ok {
			*secret.to = conversation.NewSecret(s.env(variable(at)))
		}
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!null" {
		s.Fields(n, known)
	}
}

// each calls do with every key in g and below, but for the groups themselves.
func (g group) each(path string, do func(path string, s setting)) {
	for _, key := range slices.Sorted(maps.Keys(g)) {
		at := strings.TrimPrefix(path+"."+key, ".")
		switch below := g[key].(type) {
		case group:
			below.each(at, do)
		case section:
			below.group.each(at, do)
		case many:
			below().each(at, do)
		default:
			do(at, below)
		}
	}
}

// section is a group that means something by being there.
type section struct {
	there *bool
	group
}

func (v section) read(s *source, path string, n *yaml.Node) {
	*v.there = true
	v.group.read(s, path, n)
}

// many is a list of groups; it makes the group of one more.
type many func() group

func (v many) read(s *source, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		s.wrong(n, path, "this is not a list; begin each with “- ”")
		return
	}
	for _, each := range n.Content {
		v().read(s, path, each)
	}
}

// scalar is a value of one line. parse gives false for a text that is none;
// want then says what to write. show writes the value back; nil writes it as
// [shown] does.
type scalar[T any] struct {
	to    *T
	parse func(string) (T, bool)
	want  string
	show  func(T) string
}

func (v scalar[T]) read(s *source, path string, n *yaml.Node) {
	text := s.Text(n)
	if text == "" {
		return
	}
	read, ok := v.parse(text)
	if !ok {
		s.wrong(n, path, v.want)
		return
	}
	*v.to = read
}

func (v scalar[T]) String() string {
	if v.show != nil {
		return v.show(*v.to)
	}
	return shown(*v.to)
}

// several is a list of values, or a single one. Where some are needed, an empty
// list is a problem.
type several[T any] struct {
	to    *[]T
	parse func(string) (T, bool)
	want  string
	some  bool
}

func (v several[T]) read(s *source, path string, n *yaml.Node) {
	*v.to = nil
	if v.some && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		s.wrong(n, path, "this is empty; "+v.want)
	}
	for _, text := range s.Texts(n) {
		read, ok := v.parse(text)
		if !ok && text != "" {
			s.wrong(n, path, v.want)
		}
		*v.to = append(*v.to, read)
	}
}

func (v several[T]) String() string {
	texts := make([]string, len(*v.to))
	for i, each := range *v.to {
		texts[i] = shown(each)
	}
	if len(texts) == 0 {
		return ""
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// shown writes a value as one would in the file.
func shown(value any) string {
	if d, ok := value.(time.Duration); ok {
		text := d.String() // 15m0s, 24h0m0s
		for _, nought := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(text, nought) {
				text = text[:len(text)-2]
			}
		}
		return text
	}
	return fmt.Sprint(value)
}

// The kinds of values.

func text(to *string) setting { return scalar[string]{to: to, parse: anything} }

func texts(to *[]string) setting { return several[string]{to: to, parse: anything} }

func anything(text string) (string, bool) { return text, true }

// choice is one of a few words.
func choice[T ~string](to *T, options ...T) setting {
	words := make([]string, len(options))
	for i, o := range options {
		words[i] = string(o)
	}
	return scalar[T]{
		to:    to,
		parse: func(text string) (T, bool) { return T(text), slices.Contains(options, T(text)) },
		want:  "this is none of the choices; write " + strings.Join(words, " or "),
	}
}

func count(to *int, least, most int) setting {
	return scalar[int]{
		to: to,
		parse: func(text string) (int, bool) {
			n, err := strconv.Atoi(text)
			return n, err == nil && least <= n && n <= most
		},
		want: fmt.Sprintf("write a whole number from %d to %d", least, most),
	}
}

// longest is the longest time that can be set, so that nothing overflows.
const longest = 366 * 24 * time.Hour

func duration(to *time.Duration, least time.Duration) setting {
	return scalar[time.Duration]{
		to: to,
		parse: func(text string) (time.Duration, bool) {
			d, err := time.ParseDuration(text)
			return d, err == nil && least <= d && d <= longest
		},
		want: fmt.Sprintf("write a time from %s to %s with its unit, like 90s, 15m or 24h", shown(least), shown(longest)),
	}
}

// plenty is more than anybody needs of anything that is counted.
const plenty = 1_000_000

// limit is how many a window allows, and for how long a full counter is locked.
// What of the three is not given stays as it was.
type limit struct{ to *conversation.Limit }

func (v limit) read(s *source, path string, n *yaml.Node) {
	group{
		"n":      count(&v.to.N, 1, plenty),
		"window": duration(&v.to.Window, time.Second),
		"lock":   duration(&v.to.Lock, 0),
	}.read(s, path, n)
}

func (v limit) String() string {
	text := fmt.Sprintf("{n: %d, window: %s", v.to.N, shown(v.to.Window))
	if v.to.Lock > 0 {
		text += ", lock: " + shown(v.to.Lock)
	}
	return text + "}"
}

// pot is how many are to be had from one point of the clock to the next. It has no
// lock: it is empty until it is filled again.
type pot struct{ to *conversation.Limit }

func (v pot) read(s *source, path string, n *yaml.Node) {
	group{"n": count(&v.to.N, 1, plenty), "window": duration(&v.to.Window, time.Second)}.read(s, path, n)
}

func (v pot) String() string { return limit(v).String() }

// file is the path of a file; what does not begin at the root begins at folder.
func file(to *string, folder string) setting {
	return scalar[string]{to: to, parse: inFolder(folder)}
}

func inFolder(folder string) func(string) (string, bool) {
	return func(text string) (string, bool) {
		if filepath.IsAbs(text) {
			return text, true
		}
		return filepath.Join(folder, text), true
	}
}

func files(to *[]string, folder string) setting {
	return several[string]{to: to, parse: inFolder(folder)}
}

// listenAddress is host:port, where a server listens.
func listenAddress(to *string) setting {
	return scalar[string]{
		to: to,
		parse: func(text string) (string, bool) {
			_, port, err := net.SplitHostPort(text)
			_, notPort := strconv.ParseUint(port, 10, 16)
			return text, err == nil && notPort == nil
		},
		want: "write the address and the port to listen on, like 127.0.0.1:3978",
	}
}

// isLoopback reports whether only this machine can reach a host.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// webAddress is where others are reached: https, or on this machine http. path
// says whether anything may follow the host.
func webAddress(to *string, path bool) setting {
	v := scalar[string]{
		to: to,
		parse: func(text string) (string, bool) {
			u, err := url.Parse(text)
			if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
				return "", false
			}
			safe := u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
			if !path {
				text = strings.TrimSuffix(text, "/")
				safe = safe && strings.Trim(u.Path, "/") == ""
			}
			return text, safe
		},
		want: "write an address that begins with https:// (or http:// for this machine alone)",
	}
	if !path {
		v.want += ", and ends with the host or its port"
	}
	return v
}

// webPath is the path of a page: plain parts, and no slash behind them.
func webPath(to *string) setting {
	form := regexp.MustCompile(`^(/[a-z0-9][a-z0-9_-]*)+$`)
	return scalar[string]{
		to:    to,
		parse: func(text string) (string, bool) { return text, form.MatchString(text) },
		want:  "write a path of lower-case letters and figures, like /chat",
	}
}

// hosts are connected to: each a name or an address, perhaps with a port.
func hosts(to *[]string) setting {
	parse := func(text string) (string, bool) {
		u, err := url.Parse("https://" + text)
		return text, err == nil && u.Host == text
	}
	return several[string]{to, parse, "write hosts, like smba.trafficmanager.net", true}
}

// hostName is one host that is connected to, by name or address, without port.
func hostName(to *string) setting {
	return scalar[string]{
		to: to,
		parse: func(text string) (string, bool) {
			_, err := netip.ParseAddr(text)
			_, named := domainName(text)
			return text, err == nil || named
		},
		want: "write a host without a port, like mail.example.org",
	}
}

// port is a port that is connected to; 0 is the usual one.
func port(to *int) setting {
	v := count(to, 1, 65535).(scalar[int])
	v.show = func(n int) string { return strings.TrimPrefix(strconv.Itoa(n), "0") }
	return v
}

// mailAddress is one address that mail comes from or goes to.
func mailAddress(to *string) setting {
	return scalar[string]{
		to:    to,
		parse: func(text string) (string, bool) { return text, mail.IsAddress(text) },
		want:  "write one mail address, like wachtwoord@example.org",
	}
}

// domains are what addresses end on, without @.
func domains(to *[]string) setting {
	return several[string]{to, domainName, "write domains without @, like example.org", true}
}

func domainName(text string) (string, bool) {
	text = strings.ToLower(text)
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "", false
		}
	}
	return text, true
}

// network is an address or a range of them; every address is none.
func network(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	return p, err == nil && p == p.Masked() && p.Bits() > 0
}

const networkWanted = "write addresses or ranges of them, like [10.0.0.0/8, 192.168.1.17]"

func networks(to *[]netip.Prefix) setting {
	return several[netip.Prefix]{to: to, parse: network, want: networkWanted}
}

// clients are networks, or the word any.
type clients struct{ to *[]netip.Prefix }

func (v clients) read(s *source, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Value == "any" {
		*v.to = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
		return
	}
	several[netip.Prefix]{v.to, network, networkWanted + ", or any", true}.read(s, path, n)
}

func (v clients) String() string { return several[netip.Prefix]{to: v.to}.String() }

// named are networks by a name that the operator chooses, one each.
type named struct{ to *map[string]netip.Prefix }

func (v named) read(s *source, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		s.wrong(n, path, "this is no group of “name: address” lines; write for instance {ward-3: 10.1.2.3}")
		return
	}
	*v.to = map[string]netip.Prefix{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := s.Text(n.Content[i])
		if _, taken := (*v.to)[name]; taken {
			s.wrong(n.Content[i], path, "this name is given twice; give each kiosk one of its own")
		}
		var at netip.Prefix
		scalar[netip.Prefix]{to: &at, parse: network, want: "write an address or a range, like 10.1.2.3"}.
			read(s, path, n.Content[i+1])
		(*v.to)[name] = at
	}
}

// crowd is how many people an address may stand for: what they do is counted
// one by one, and read at every step of each of them.
const crowd = 5000

// crowds are addresses that many people share, by a name that the operator
// chooses.
type crowds struct{ to *map[string]web.Crowd }

func (v crowds) read(s *source, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		s.wrong(n, path, "this is no group; write for instance {guests: {at: 10.9.0.1, people: 200}}")
		return
	}
	*v.to = map[string]web.Crowd{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := s.Text(n.Content[i])
		if _, taken := (*v.to)[name]; taken {
			s.wrong(n.Content[i], path, "this name is given twice; give each address one of its own")
		}
		c := web.Crowd{People: 1}
		group{
			"at":     scalar[netip.Prefix]{to: &c.At, parse: network, want: "write an address or a range, like 10.9.0.1"},
			"people": count(&c.People, 1, crowd),
		}.read(s, path+"."+name, n.Content[i+1])
		if !c.At.IsValid() {
			s.wrong(n.Content[i], path, "an address is missing; write for instance {at: 10.9.0.1, people: 200}")
		}
		(*v.to)[name] = c
	}
}

// secretFile is the file that a secret stands in alone. In its place the
// secret itself may stand in an environment variable ([variable]).
type secretFile struct {
	to     *conversation.Secret
	folder string
}

func (v secretFile) read(s *source, path string, n *yaml.Node) {
	name := s.Text(n)
	if name == "" {
		return
	}
	if s.env(variable(path)) != "" {
		s.wrong(n, path, "the environment has "+variable(path)+" too; keep one of the two")
		return
	}
	name, _ = inFolder(v.folder)(name)
	data, err := os.ReadFile(name)
	secret := strings.TrimRight(string(data), "\r\n")
	switch {
	case err != nil:
		s.wrong(n, path, "this file cannot be read ("+reason(err).Error()+"); write the secret into it")
	case secret == "":
		s.wrong(n, path, "this file is empty; write the secret into it")
	}
	*v.to = conversation.NewSecret(secret)
}

// reason is why a file cannot be read, without its name.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// variable is the environment variable that holds the secret of a key:
// RESETBOT_CHATS_SLACK_SIGNING_SECRET for chats.slack.signing_secret_file.
func variable(path string) string {
	name := strings.TrimSuffix(path, "_file")
	return "RESETBOT_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}
