//! Requests by chance, plain and hostile: most are those where two readers could part.

/// A request line's method and target.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) method: &'static str,
    pub(crate) url: String,
}

/// A small generator of chances (xorshift64) with a fixed seed, so that a failing case comes back.
pub(crate) struct Dice(u64);

const METHODS: [&str; 12] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "Get", "FOO", "M-SEARCH"];

const PREFIXES: [&str; 13] = [
    "",
    "/apis",
    "/api/v1/namespaces/x/pods",
    "/apis/apps/v1",
    "/api/v1",
    "/api/v1/namespaces",
    "/api/v1/namespaces/x",
    "/api/v1/watch",
    "/api/v1/proxy",
    "/api/v1/watch/namespaces/x",
    "/api/v1/proxy/namespaces/x/pods",
    "/apis/a.example.com/v1beta1/namespaces/x",
    "/%61pis/apps/v%31",
];

const SEGMENTS: [&str; 52] = [
    "api",
    "apis",
    "API",
    "v1",
    "apps",
    "namespaces",
    "Namespaces",
    "name%73paces",
    "pods",
    "x",
    "p",
    "status",
    "finalize",
    "Status",
    "exec",
    "log",
    "proxy",
    "prox%79",
    "watch",
    "wat%63h",
    "nodes",
    "a%3Ab",
    "%7Ez",
    "a%20b",
    "%C3%A9",
    "%e2%80%ae",
    "%F0%9F%98%80",
    "a+b",
    "a%2Bb",
    "a%3Fb",
    "a%23b",
    "a%26b",
    "a@b",
    "a=b,c",
    "$(x)!*'",
    "\"x\"",
    "<x>",
    "[x]",
    "{x}^`|",
    "",
    "..",
    ".",
    "...",
    "%2e",
    "%2E%2e",
    "a%2Fb",
    "a%5cb",
    "a;b",
    "a%3bb",
    "%25",
    "%c0%ae",
    "x%00",
];

/// Words of selectors: keys and values, and what is neither.
const WORDS: [&str; 44] = [
    "a",
    "b",
    "5",
    "a",
    "app.kubernetes.io/name",
    "A_b.c-D",
    "in",
    "notin",
    "IN",
    "exists",
    "metadata.name",
    "metadata.namespace",
    "-5",
    "+5",
    "05",
    "5.0",
    "1_0",
    "0x1f",
    "9223372036854775807",
    "9223372036854775808",
    "-a",
    "a-",
    "_",
    ".",
    "..",
    "a.",
    "a/b",
    "a/b/c",
    "/a",
    "a/",
    "A.b/c",
    "a_b/c",
    "a..b/c",
    "-a.b/c",
    "a-.b/c",
    "'a'",
    "\"a\"",
    "a%2Fb",
    "\u{fc}",
    "fal\u{17f}e",
    "\u{212a}",
    "\u{663}",
    "\u{10348}",
    "\u{fffd}",
];

const SYMBOLS: [&str; 20] =
    ["=", "==", "!=", "!", ",", ",", "(", ")", "<", ">", "===", ">=", "=>", "!!", "\\", "\\,", "\\=", "\\\\", "&", ";"];

const SPACES: [&str; 12] = ["", "", "", "", " ", " ", "  ", "\t", "\n", "\r", "\u{b}", "\u{a0}"];

const NUMBERS: [&str; 21] = [
    "",
    "0",
    "5",
    "5",
    "500",
    "-5",
    "+5",
    "--5",
    " 5",
    "5 ",
    "05",
    "5.0",
    "1e3",
    "0x10",
    "1_000",
    "\u{663}",
    "x",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999",
];

const BOOLEANS: [&str; 18] = [
    "",
    "1",
    "0",
    "00",
    "true",
    "True",
    "false",
    "False",
    "FALSE",
    "fAlSe",
    " false",
    "false ",
    "no",
    "f",
    "fal\u{17f}e",
    "\u{fc}",
    "\0",
    "0\0",
];

const TEXTS: [&str; 10] = ["", "0", "5", "Exact", "NotOlderThan", "nonsense", "\u{fc}", "a b", "{}", "\0"];

/// Whole parameters: repeated names, other cases, other encodings, what Go drops.
const PARAMETERS: [&str; 24] = [
    "",
    "?watch=1",
    "watch",
    "watch=1;",
    "watch=%zz",
    "wat%63h=1",
    "Watch=1",
    "watch%00=1",
    "=watch",
    "=",
    "fieldSelector",
    "fieldselector=metadata.name=x",
    "f%69eldSelector=metadata.name=x",
    "fieldSelector=metadata.name=x;y",
    "fieldSelector=metadata.name=%zz",
    "fieldSelector=%ff",
    "labelSelector",
    "labelSelector=%zz",
    "label%53elector=a",
    "x;y=1",
    "%zz=1",
    "watch=%ff",
    "limit=%ff",
    "pretty=true",
];

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A request.
    pub(crate) fn line(&mut self) -> Line {
        if self.one_in(2) {
            let url =
                format!("{}?{}", self.pick(&["/api/v1/pods", "/apis/apps/v1/namespaces/x/deployments/"]), self.list());
            return Line { method: self.pick(&["GET", "GET", "GET", "HEAD", "DELETE"]), url };
        }
        let mut url = self.pick(&PREFIXES).to_owned();
        for _ in 0..usize::from(url.is_empty()) + self.below(6) {
            url.push('/');
            url.push_str(self.pick(&SEGMENTS));
        }
        for position in 0..self.below(4) {
            url.push(if position == 0 { '?' } else { '&' });
            url.push_str(&self.parameter());
        }
        Line { method: self.pick(&METHODS), url }
    }

    /// The query of a list that asks for one name, with a label selector beside it.
    pub(crate) fn list(&mut self) -> String {
        let name =
            self.pick(&["p", "p", "p", "a b", "a,b", "", "..", "a/b", "%", "\u{fc}", "\u{10348}"]).replace(',', "\\,");
        let mut parameters = vec![format!("fieldSelector={}", self.encode(format!("metadata.name={name}").as_bytes()))];
        let selector = self.label_selector();
        parameters.push(format!("labelSelector={}", self.encode(&selector)));
        for _ in 0..self.below(3) {
            let at = self.below(parameters.len() + 1);
            parameters.insert(at, self.parameter());
        }
        let mut query = parameters.join("&");
        if self.one_in(500) {
            let count = [998, 999, 1000, 10_000][self.below(4)];
            query = "&".repeat(count) + &query;
        }
        query
    }

    fn parameter(&mut self) -> String {
        let (name, value) = match self.below(8) {
            0 => return self.pick(&PARAMETERS).to_owned(),
            1 => (self.pick(&["limit", "timeoutSeconds"]), self.pick(&NUMBERS).into()),
            2 => ("watch", self.pick(&BOOLEANS).into()),
            3 => (self.pick(&["allowWatchBookmarks", "sendInitialEvents"]), self.pick(&BOOLEANS).into()),
            4 => {
                let names = ["resourceVersion", "resourceVersionMatch", "continue", "shardSelector", "kind"];
                (self.pick(&names), self.pick(&TEXTS).into())
            }
            5 => ("labelSelector", self.label_selector()),
            _ => ("fieldSelector", self.field_selector()),
        };
        format!("{name}={}", self.encode(&value))
    }

    fn field_selector(&mut self) -> Vec<u8> {
        let mut selector = String::new();
        for _ in 0..1 + self.below(3) {
            match self.below(4) {
                0 => selector.push_str(self.pick(&WORDS)),
                1 => selector.push_str("spec.nodeName"),
                _ => selector.push_str("metadata.name"),
            }
            selector.push_str(self.pick(&SYMBOLS));
            selector.push_str(self.pick(&WORDS));
            selector.push_str(self.pick(&[",", ",", ",", "", " ", "\\"]));
        }
        self.damage(selector.into_bytes())
    }

    fn label_selector(&mut self) -> Vec<u8> {
        let mut selector = String::new();
        if self.one_in(4) {
            for _ in 0..self.below(8) {
                selector.push_str(if self.one_in(2) { self.pick(&SYMBOLS) } else { self.pick(&WORDS) });
                selector.push_str(self.pick(&SPACES));
            }
        } else {
            for position in 0..self.below(4) {
                selector.push_str(if position == 0 { "" } else { "," });
                self.requirement(&mut selector);
            }
        }
        if self.one_in(4) { self.damage(selector.into_bytes()) } else { selector.into_bytes() }
    }

    /// Mostly a good requirement.
    fn requirement(&mut self, selector: &mut String) {
        let key = self.word();
        let value = self.word();
        let tokens: Vec<String> = match self.below(6) {
            0 => vec![key],
            1 => vec!["!".into(), key],
            2 => vec![key, self.pick(&["=", "==", "!="]).into()],
            3 => vec![key, self.pick(&["=", "==", "!="]).into(), value],
            4 => vec![key, self.pick(&["<", ">"]).into(), self.pick(&NUMBERS).into()],
            _ => {
                let mut tokens = vec![key, self.pick(&[" in", " in ", " notin ", "in"]).into(), "(".into(), value];
                for _ in 0..self.below(4) {
                    tokens.push(",".into());
                    tokens.push(if self.one_in(3) { String::new() } else { self.word() });
                }
                tokens.push(")".into());
                tokens
            }
        };
        for token in tokens {
            selector.push_str(self.pick(&SPACES[..10]));
            selector.push_str(&token);
        }
    }

    /// A word, mostly one that may be a key or a value, now and then as long as may be, or longer.
    fn word(&mut self) -> String {
        match self.below(12) {
            0 => self.pick(&WORDS).to_owned(),
            1 => "x".repeat(62 + self.below(3)),
            2 => format!("{}/{}", "a".repeat(252 + self.below(3)), "x".repeat(62 + self.below(3))),
            3 => format!("{}b/a", "a.".repeat(125 + self.below(3))),
            _ => self.pick(&WORDS[..8]).to_owned(),
        }
    }

    /// Puts a byte in, or takes one out, now and then.
    fn damage(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        const BYTES: &[u8] = b"\0\0 \t\n\r\x0b\x7f\x80\xff!=(),<>'\"\\/.-_a9%";
        if self.one_in(2) {
            let at = self.below(bytes.len() + 1);
            if self.one_in(2) && at < bytes.len() {
                bytes.remove(at);
            } else {
                bytes.insert(at, BYTES[self.below(BYTES.len())]);
            }
        }
        bytes
    }

    /// A value as it stands in a query: what must be escaped is, the rest now and then.
    fn encode(&mut self, value: &[u8]) -> String {
        let mut text = String::new();
        for byte in value {
            let must = !byte.is_ascii_graphic() || b"#%&+;\\".contains(byte);
            if *byte == b' ' && self.one_in(2) {
                text.push('+');
            } else if must || self.one_in(3) {
                text.push_str(&if self.one_in(2) { format!("%{byte:02x}") } else { format!("%{byte:02X}") });
            } else {
                text.push(char::from(*byte));
            }
        }
        text
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}
