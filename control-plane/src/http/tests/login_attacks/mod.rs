//! What attackers try on those who sign in, one attack after the other.

mod answers;
mod forms;
mod guessing;
mod provider;
mod redirects;
mod sessions;

/// The routes of the public listener, with the handlers of each.
fn routes() -> Vec<(&'static str, &'static str)> {
    let router = include_str!("../../router.rs").split("pub fn internal").next().unwrap();
    let routes = router.split(".route(").skip(1).map(|rest| {
        let (path, handlers) = rest.trim_start().strip_prefix('"').unwrap().split_once('"').unwrap();
        (path, handlers.split(".layer(").next().unwrap())
    });
    routes.collect()
}

/// Whether a route has a handler of this method.
fn has(handlers: &str, method: &str) -> bool {
    handlers.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').any(|word| word == method)
}
