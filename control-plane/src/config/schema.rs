//! The shape of the configuration file, as a JSON Schema (draft 2020-12), so that an editor completes fields, explains
//! them and underlines mistakes.
//!
//! No configuration is read into these types: [`Config::parse`](super::Config::parse) says better what is wrong, and more
//! of it. `tests/operator/schemas.rs` takes both through every field, and fails when one knows what the other does not.
//! What the comments below say is what an editor shows.
#![expect(dead_code, reason = "it is the shape of these types that counts; nobody makes values of them")]

use std::collections::BTreeMap;

use kubegate_core::authoring::schema::{self, Duration, Who, any_present};
use schemars::JsonSchema;
use serde_json::{Value, json};

/// The schema of a configuration file.
#[must_use]
pub fn configuration() -> Value {
    schema::of::<Configuration>()
}

/// The configuration of Kubegate's control plane. Paths are relative to this file, and secrets come from files beside it
/// or from the environment.
#[derive(JsonSchema)]
#[schemars(title = "Kubegate control plane", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = any_present(&[&["providers"], &["accounts"]])))]
struct Configuration {
    /// The public URL, as people and command lines reach it through Envoy: an origin without a path, on `https`. It is
    /// the issuer of every token, and the gateways' plugin configuration names it too.
    #[schemars(regex(pattern = r"^[hH][tT][tT][pP][sS]?:"), extend("examples" = ["https://kubegate.example.com"]))]
    issuer: String,
    /// Where the two listeners listen.
    listen: Option<Listen>,
    /// Where sessions and keys are kept.
    store: Store,
    /// The policy file. It is watched: a good new version is in force within a second, and a bad one is refused.
    #[schemars(length(min = 1))]
    policy: String,
    /// The keys that an operator makes.
    keys: Keys,
    /// The gateways that may ask for the policy.
    #[schemars(length(min = 1))]
    gateways: Vec<Gateway>,
    /// How long things last.
    sessions: Option<Sessions>,
    /// Administrators: who may elevate anybody (also themselves), end anybody's sessions, disable and enable people, export
    /// the whole bundle and see how policy and gateways stand. Left out: nobody.
    admins: Option<Who>,
    /// The identity providers that people sign in with. At least one provider or account is needed.
    providers: Option<Vec<Provider>>,
    /// People with a password, for a first try and for emergencies.
    accounts: Option<Vec<Account>>,
    /// The issuers whose tokens machines show instead of signing in.
    workloads: Option<Vec<Workload>>,
    /// Whether pomerium-cli works with Kubegate. Left out: it does not.
    pomerium: Option<Pomerium>,
}

/// Whether pomerium-cli works with Kubegate, and how long its tokens live: it cannot refresh them.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Pomerium {
    /// Whether its tokens are issued and taken. When it is turned off, gateways refuse all of them at once.
    enabled: bool,
    /// The clusters that take them, by name or pattern. Left out: all.
    #[schemars(length(min = 1))]
    clusters: Option<Vec<String>>,
    /// How long after the sign-in a token ends (1m to 30d, at most `sessions.maxLifetime`). Left out:
    /// `sessions.maxLifetime`.
    max_lifetime: Option<Duration>,
    /// Tokens that administrators issue for programs, for `pomerium-cli --service-account`. Left out: there are none.
    service_accounts: Option<ServiceAccounts>,
}

/// Tokens that administrators issue for programs.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct ServiceAccounts {
    /// What every user name of a service account begins with. Nobody else gets a token under such a name.
    #[schemars(length(min = 1), extend("examples" = ["sa:"]))]
    user_prefix: String,
    /// How long a token may live (1h to 366d).
    #[schemars(extend("default" = "90d"))]
    max_lifetime: Option<Duration>,
}

/// Where the two listeners listen.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Listen {
    /// Address and port for people and command lines. Envoy stands in front of it.
    #[schemars(length(min = 1), extend("default" = "127.0.0.1:8080"))]
    public: Option<String>,
    /// Address and port for gateways, metrics and health. Never route it from outside.
    #[schemars(length(min = 1), extend("default" = "127.0.0.1:8081"))]
    internal: Option<String>,
    /// How many proxies of yours stand in front of the public listener. The client's address is that entry of
    /// `X-Forwarded-For`, counted from its end; with `0`, the connection's.
    #[schemars(range(min = 0, max = 16), extend("default" = 1))]
    trusted_proxy_hops: Option<i64>,
}

/// Where sessions and keys are kept.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Store {
    /// The SQLite file. It is made when it is not there; its folder has to exist.
    #[schemars(length(min = 1))]
    path: String,
}

/// The keys that an operator makes.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Keys {
    /// The file with the private key that signs the policy for gateways, as `kubegate keys init` makes it.
    #[schemars(length(min = 1))]
    bundle: String,
    /// A file with 32 random bytes in base64, which encrypt what the store must give back. Instead of it:
    /// `KUBEGATE_ENCRYPTION_KEY` in the environment. Another key cannot read the store.
    #[schemars(length(min = 1))]
    encryption_key_file: Option<String>,
    /// Files with what the encryption key was before, which still open the store. Instead of it:
    /// `KUBEGATE_OLD_ENCRYPTION_KEYS` in the environment, separated by commas.
    #[schemars(inner(length(min = 1)))]
    old_encryption_key_files: Option<Vec<String>>,
    /// How often the keys that sign session tokens are replaced (1h to 365d).
    #[schemars(extend("default" = "30d"))]
    rotate_every: Option<Duration>,
    /// Files with the keys that sign session tokens, as `kubegate keys init` makes them, instead of keys that are made here:
    /// the first signs, the others are only believed. Nothing replaces them, so `rotateEvery` has no effect.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    token: Option<Vec<String>>,
}

/// A gateway that may ask for the policy. `kubegate-control-plane gateway-credential NAME` makes its credential.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = any_present(&[&["credentialSha256"], &["credentialFile"]])))]
struct Gateway {
    /// What metrics call it.
    #[schemars(length(min = 1))]
    name: String,
    /// The SHA-256 of its credential, in hexadecimal.
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{64}$"))]
    credential_sha256: Option<String>,
    /// Instead of `credentialSha256`: a file with the credential, of at least 32 characters.
    #[schemars(length(min = 1))]
    credential_file: Option<String>,
}

/// How long things last.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Sessions {
    /// How long a session token lives (10s to 1h). With the control plane away, people work on for so long.
    #[schemars(extend("default" = "10m"))]
    token_lifetime: Option<Duration>,
    /// How long after the sign-in a session ends (1m to 30d), and every stream of it.
    #[schemars(extend("default" = "12h"))]
    max_lifetime: Option<Duration>,
    /// How long a session may go without a new token (1m to 30d). Left out: 8h, at most `maxLifetime`.
    idle_timeout: Option<Duration>,
    /// How many sessions one person may have; the oldest gives way. Each browser and each command line is one.
    #[schemars(range(min = 2, max = 10_000), extend("default" = 50))]
    max_per_person: Option<i64>,
    /// Whether a machine without a browser may be signed in from another device (`kubegate login --device`). `false` turns
    /// it off for everybody; `deviceFlow` of a provider does so for its people.
    #[schemars(extend("default" = true))]
    device_flow: Option<bool>,
}

/// An identity provider that people sign in with.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("if" = is_github(), "then" = present("organizations"), "else" = present("issuer")))]
struct Provider {
    /// Its id, such as `corp`. It is part of every person's id (`corp:1234`), so do not change it. `accounts` is taken.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,31}$"))]
    id: String,
    /// The type of provider: `oidc` (OpenID Connect), or `github`, which is OAuth without OpenID Connect.
    #[schemars(extend("enum" = ["oidc", "github", null], "default" = "oidc"))]
    r#type: Option<String>,
    /// What the sign-in page calls it. Left out: its id.
    #[schemars(length(min = 1))]
    name: Option<String>,
    /// Its issuer, exactly as in its `/.well-known/openid-configuration`. GitHub has none.
    #[schemars(regex(pattern = r"^[hH][tT][tT][pP][sS]?:"), extend("examples" = ["https://idp.example.com"]))]
    issuer: Option<String>,
    /// Of GitHub: where people sign in.
    #[schemars(regex(pattern = r"^[hH][tT][tT][pP][sS]?:"), extend("default" = "https://github.com"))]
    url: Option<String>,
    /// Of GitHub: its API. Left out: `https://api.github.com`; for another `url`, `/api/v3` below it, as GitHub Enterprise
    /// Server has it.
    #[schemars(regex(pattern = r"^[hH][tT][tT][pP][sS]?:"))]
    api_url: Option<String>,
    /// Of GitHub: the organisations whose members may sign in. They, and their teams, are the groups.
    #[schemars(length(min = 1), inner(regex(pattern = r"^[A-Za-z0-9_-]+$")))]
    organizations: Option<Vec<String>>,
    /// Our client there: authorization code with PKCE, redirect URI `<issuer of Kubegate>/callback/<id>`.
    #[schemars(length(min = 1))]
    client_id: String,
    /// How we prove to be that client. Left out: by the key or the secret that is given, as the provider's discovery
    /// document asks for it; without either the client is public.
    #[schemars(extend("enum" = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none", null]))]
    client_authentication: Option<String>,
    /// A file with the client secret. Instead of it: `KUBEGATE_PROVIDER_<ID>_CLIENT_SECRET` in the environment.
    #[schemars(length(min = 1))]
    client_secret_file: Option<String>,
    /// A file with the client's private key, in PEM (PKCS#8) or as a JWK: RSA (signs RS256), P-256 (ES256) or Ed25519
    /// (EdDSA).
    #[schemars(length(min = 1))]
    client_key_file: Option<String>,
    /// The id (`kid`) under which the provider knows that key. Left out: the JWK's own, if it has one.
    #[schemars(length(min = 1))]
    client_key_id: Option<String>,
    /// What to ask for besides `openid`. Many providers send groups only when asked for a scope. Left out: `email` and
    /// `profile`; of GitHub `read:user`, `user:email` and `read:org`.
    scopes: Option<Vec<String>>,
    /// Which claims say what. Not of GitHub.
    claims: Option<Claims>,
    /// What is put before every user name. Two providers need prefixes of which neither begins with the other.
    #[schemars(regex(pattern = PREFIX), extend("default" = ""))]
    user_prefix: Option<String>,
    /// What is put before every group. Two providers need prefixes of which neither begins with the other.
    #[schemars(regex(pattern = PREFIX), extend("default" = ""))]
    group_prefix: Option<String>,
    /// The one source of groups.
    groups: Option<Groups>,
    /// The e-mail domains whose people the sign-in page sends here. Each stands at one provider only.
    #[schemars(inner(regex(pattern = r"^[^@* ]+$")))]
    domains: Option<Vec<String>>,
    /// Domains whose e-mail addresses count although the provider does not say that they are verified.
    #[schemars(inner(regex(pattern = r"^[^@* ]+$")))]
    trust_email: Option<Vec<String>>,
    /// A PEM file with certificate authorities to trust besides the system's.
    #[schemars(length(min = 1))]
    certificate_authority: Option<String>,
    /// Further parameters of the authorization request, such as `{prompt: select_account}`.
    extra_parameters: Option<BTreeMap<String, String>>,
    /// Whether its people may allow a machine without a browser to act for them (`kubegate login --device`).
    #[schemars(extend("default" = true))]
    device_flow: Option<bool>,
    /// People and groups that the provider pushes by SCIM 2.0, at `<issuer of Kubegate>/scim/v2/<id>`.
    scim: Option<Scim>,
    /// How it is asked again about the people who signed in there.
    recheck: Option<Recheck>,
    /// Whether people who sign out here are led on to sign out there, when it has a page for that. It has to know the
    /// redirect URI `<issuer of Kubegate>/logged-out`.
    #[schemars(extend("default" = true))]
    logout_at_provider: Option<bool>,
}

/// People and groups that a provider pushes.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Scim {
    /// A file with the token that the provider shows, of at least 32 characters; more than one, a line each, while it is
    /// changed.
    #[schemars(length(min = 1))]
    token_file: String,
    /// Which pushed user a sign-in means.
    link: ScimLink,
    /// Whether only people may sign in whom the provider has pushed. One whom it has deactivated never may.
    #[schemars(extend("default" = true))]
    required: Option<bool>,
}

/// The attribute of a pushed user that equals a claim of the same person's sign-in.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct ScimLink {
    /// The attribute. `externalId` is compared as it stands, the others without regard to upper and lower case.
    #[schemars(extend("enum" = ["externalId", "userName", "emails"]))]
    attribute: String,
    /// The claim, such as `sub` or `oid`. Of `email` only a verified address counts.
    #[schemars(length(min = 1))]
    claim: String,
}

/// How a provider is asked again about the people who signed in there.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Recheck {
    /// How often it is asked about each sign-in, at most.
    #[schemars(extend("default" = "10m"))]
    every: Option<Duration>,
    /// How long sessions go on while it cannot be asked.
    #[schemars(extend("default" = "1h"))]
    grace: Option<Duration>,
    /// What is done about sign-ins for which it gives no refresh token: `keep`, `userinfo` (ask that with the sign-in's access
    /// token, and end the sessions when it is no longer taken), or after how long their sessions end.
    #[schemars(regex(pattern = r"^(keep|userinfo|([0-9]+[smhd])+)$"), extend("default" = "keep"))]
    without_refresh_token: Option<String>,
    /// Whether the scope `offline_access` is asked for. Some give no refresh token without it, others give one that outlives
    /// a logout there because of it.
    #[schemars(extend("default" = false))]
    offline_access: Option<bool>,
}

/// Which claims say what. Each is a name, or a path of names joined by dots (`realm_access.roles`); a name may have dots of
/// its own, and in a list the path goes on in each of its items.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Claims {
    /// The user name. An e-mail address has to be verified (see `trustEmail`).
    #[schemars(length(min = 1), extend("default" = "email"))]
    user: Option<String>,
    /// The groups: a list or one text.
    #[schemars(length(min = 1), extend("default" = "groups"))]
    groups: Option<String>,
    /// The e-mail address. `email_verified` is about `email` alone; an address from another claim counts only when its
    /// domain is in `trustEmail`.
    #[schemars(length(min = 1), extend("default" = "email"))]
    email: Option<String>,
    /// The uid; `""` for none.
    #[schemars(extend("default" = "sub"))]
    uid: Option<String>,
}

/// The one source of groups; no other adds to it.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct Groups {
    /// `claims`: the claim of the ID token, or where that lacks it of userinfo. `idToken`, `userinfo`: of that alone.
    /// `entra`: the ID token's; where Entra leaves them out because there are too many, Microsoft Graph's. `github`: the
    /// organisations and teams. `file`: a file. `scim`: what a directory pushes. `none`: there are none. Left out: `claims`;
    /// of GitHub `github`.
    #[schemars(extend("enum" = ["claims", "idToken", "userinfo", "entra", "github", "file", "scim", "none", null]))]
    from: Option<String>,
    /// Of `entra`: Microsoft Graph's base URL, for national clouds.
    #[schemars(regex(pattern = r"^[hH][tT][tT][pP][sS]?:"), extend("default" = "https://graph.microsoft.com"))]
    graph: Option<String>,
    /// Of `file`: the file. It is watched: changed groups come with the next token, and a file with mistakes is refused.
    #[schemars(length(min = 1))]
    file: Option<String>,
}

/// A person with a password.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Account {
    /// The user name, which is also what the person types.
    #[schemars(length(min = 1))]
    user: String,
    /// An argon2id hash, as `kubegate-control-plane hash-password` makes it.
    #[schemars(regex(pattern = r"^\$argon2id\$"))]
    password_hash: String,
    /// The person's groups.
    groups: Option<Vec<String>>,
    /// The person's e-mail address; it counts as verified.
    #[schemars(length(min = 1))]
    email: Option<String>,
    /// The uid that API servers see.
    #[schemars(length(min = 1))]
    uid: Option<String>,
}

/// An issuer whose tokens machines show instead of signing in, by token exchange (RFC 8693).
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = any_present(&[&["issuer"], &["trustDomain"]])))]
struct Workload {
    /// Its id, such as `github`. It is part of every workload's id, so do not change it. No provider may have the same.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,31}$"))]
    id: String,
    /// What stands in `iss` of its tokens. Its keys are where its `/.well-known/openid-configuration` says, unless `jwksUri`
    /// or `jwksFile` says otherwise.
    #[schemars(length(min = 1), extend("examples" = ["https://token.actions.githubusercontent.com"]))]
    issuer: Option<String>,
    /// Instead of `issuer`: a SPIFFE trust domain, whose JWT-SVIDs need no `iss`.
    #[schemars(regex(pattern = r"^[a-z0-9._-]+$"), extend("examples" = ["prod.example.com"]))]
    trust_domain: Option<String>,
    /// Where its keys are, without discovery.
    #[schemars(regex(pattern = r"^[hH][tT][tT][pP][sS]?:"))]
    jwks_uri: Option<String>,
    /// A file with its keys (a JWK set). It is read again when a token names a key that is not in it.
    #[schemars(length(min = 1))]
    jwks_file: Option<String>,
    /// A PEM file with certificate authorities to trust besides the system's.
    #[schemars(length(min = 1))]
    certificate_authority: Option<String>,
    /// What has to stand in `aud`, alone. No other issuer may have the same, and it may be no client id of ours.
    #[schemars(length(min = 1))]
    audience: String,
    /// What is put before every user name. It may not begin with another's prefix, nor the other way round.
    #[schemars(length(min = 1), regex(pattern = PREFIX))]
    user_prefix: String,
    /// What is put before every group. Left out: `userPrefix`.
    #[schemars(length(min = 1), regex(pattern = PREFIX))]
    group_prefix: Option<String>,
    /// How long a token may live (1m to 24h), from `iat` to `exp`.
    #[schemars(extend("default" = "1h"))]
    max_token_lifetime: Option<Duration>,
    /// Claims that every token must have, each with its value or one of several; `*` stands for any characters. At least one.
    #[schemars(extend("minProperties" = 1))]
    required_claims: BTreeMap<String, ClaimValues>,
    /// What comes of a token. The first rule that fits counts; a token that fits none is refused.
    #[schemars(length(min = 1))]
    rules: Vec<WorkloadRule>,
}

/// What comes of a workload's token.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct WorkloadRule {
    /// Claims that the token must have besides `requiredClaims`.
    r#match: Option<BTreeMap<String, ClaimValues>>,
    /// The user name, after the prefix: text with claims in braces, such as `{namespace}/{name}`.
    #[schemars(length(min = 1))]
    user: String,
    /// The groups, after the prefix.
    #[schemars(inner(length(min = 1)))]
    groups: Option<Vec<String>>,
    /// The clusters that tokens are given for; `*` stands for any characters. Left out: all, and the control plane's API.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    clusters: Option<Vec<String>>,
}

/// A value, or several.
#[derive(JsonSchema)]
#[schemars(inline, untagged)]
#[serde(untagged)]
enum ClaimValues {
    One(Plain),
    Several(Vec<Plain>),
}

/// A plain value.
#[derive(JsonSchema)]
#[schemars(inline, untagged)]
#[serde(untagged)]
enum Plain {
    Text(String),
    Number(f64),
    Truth(bool),
}

/// Says that a provider is GitHub.
fn is_github() -> Value {
    json!({"properties": {"type": {"const": "github"}}, "required": ["type"]})
}

/// Says that a field is there, and filled.
fn present(field: &str) -> Value {
    any_present(&[&[field]]).pop().unwrap_or_default()
}

/// Visible ASCII without commas.
const PREFIX: &str = r"^[!-+\--~]*$";
