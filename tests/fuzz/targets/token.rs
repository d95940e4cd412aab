//! Session tokens and those for pomerium-cli: any text, and any claims under a good signature. Text that is a JSON object stands for claims that
//! take the place of good ones.
#![no_main]

use kubegate_core::identity_name;
use kubegate_fuzz::{REQUESTS, TOKEN, ask, claims, patched, pomerium_token, shared_gateway, token};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let gateway = shared_gateway();
    let mut gateway = gateway.borrow_mut();
    let Ok(patch @ Value::Object(_)) = serde_json::from_str(text) else {
        for (method, path) in REQUESTS {
            let allowed = ask(&mut gateway, text, method, path);
            assert!(!allowed || text == TOKEN.as_str(), "{method} {path} with a token that nobody signed");
            let prefixed = format!("Pomerium-{text}");
            assert!(!ask(&mut gateway, &prefixed, method, path), "{method} {path}: nor as one of pomerium-cli");
        }
        return;
    };
    let claims = patched(claims(), &patch);
    let token = token(&claims);
    for (method, path) in REQUESTS {
        let allowed = ask(&mut gateway, &token, method, path);
        assert_eq!(ask(&mut gateway, &token, method, path), allowed, "a remembered token is judged like a new one");
        assert!(!allowed || is_good(&claims), "{method} {path} with {claims}");
        let other = pomerium_token(&claims);
        let as_pomerium = ask(&mut gateway, &format!("Pomerium-{other}"), method, path);
        assert!(as_pomerium == allowed || path == "/healthz", "{method} {path}: of the other kind, with {claims}");
        for mistaken in [&other, &format!("Pomerium-{token}")] {
            assert!(!ask(&mut gateway, mistaken, method, path), "{method} {path}: shown as what it is not");
        }
    }
});

/// What must be so of a token that opens anything.
fn is_good(claims: &Value) -> bool {
    let time = |name: &str| claims[name].as_u64().unwrap();
    let names = [&claims["user"], &claims["sid"], &claims["provider"]].into_iter();
    let groups = claims.get("groups").into_iter().flat_map(|groups| groups.as_array().unwrap());
    let mut names = names.chain(groups).chain(claims.get("uid")).map(|name| name.as_str().unwrap());
    claims["iss"] == kubegate_fuzz::ISSUER
        && claims["aud"] == "prod"
        && time("exp") > kubegate_fuzz::NOW.seconds()
        && time("session_exp") > kubegate_fuzz::NOW.seconds()
        && time("nbf") <= kubegate_fuzz::NOW.seconds() + 30
        && names.all(|name| identity_name::check(name).is_ok())
        && !identity_name::is_reserved(claims["user"].as_str().unwrap())
}
