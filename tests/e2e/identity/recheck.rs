//! What becomes of people who had signed in before something changed at the provider.

use std::time::{Duration, Instant};

use anyhow::Result;
use kubegate_tests::gate::Gate;
use kubegate_tests::idp::IdentityProvider;
use kubegate_tests::kubectl::Session;
use kubegate_tests::person::Person;
use kubegate_tests::poll;
use kubegate_tests::world::World;

use super::sign_in::PLACE;
use super::site::{Site, login};
use crate::cut::PATIENCE;
use crate::suite::claims;

/// The provider is asked again a minute after the sign-in, by a timer that looks every five seconds; then the gateway is told.
const ASKED: Duration = Duration::from_secs(60 + 5 + 10);

/// People who signed in when the site was started, whereupon something was changed about them.
pub(super) struct Changed {
    began: Instant,
    gina: Person,
    dan: Person,
    dans_token: String,
    dans_watch: Session,
}

impl Changed {
    pub(super) fn begin(gate: &Gate, provider: &dyn IdentityProvider, world: &World) -> Result<Self> {
        let [gina, dan] = ["gina", "dan"].map(|user| gate.person(world, login(user)));
        let (gina, dan) = (gina?, dan?);
        gina.kubectl.run(&["get", "configmaps", "-n", PLACE])?.ok()?;
        let name = format!("of-dan-{}", gate.port);
        dan.kubectl.run(&["create", "configmap", &name, "-n", PLACE])?.ok()?;
        let mut watch = dan.kubectl.start(&["get", "configmaps", "-n", PLACE, "--watch"])?;
        watch.wait_for(&name, PATIENCE)?;
        let dans_token = dan.token()?;
        provider.set_groups("gina", &["on-call"])?;
        provider.disable("dan")?;
        Ok(Self { began: Instant::now(), gina, dan, dans_token, dans_watch: watch })
    }
}

pub(super) fn asked_again(site: &Site, world: &World) {
    let mut changed = site.changed.lock().unwrap();
    let Changed { began, gina, dan, dans_token, dans_watch } = &mut *changed;
    let left = || ASKED.saturating_sub(began.elapsed()) + PATIENCE;

    poll::until("the end of dan's watch", left(), || match dans_watch.ended() {
        Some(_) => Ok(()),
        None => Err(dans_watch.stdout()),
    })
    .unwrap();
    site.until_ended(world, dans_token, PATIENCE);
    let out = dan.kubegate(&["whoami"]).unwrap();
    assert!(!out.status.success(), "nor does he get another: {out:?}");

    let groups = poll::until("gina's groups of today", left(), || {
        std::thread::sleep(Duration::from_secs(1));
        gina.forget_token().map_err(|error| error.to_string())?;
        let token = gina.token().map_err(|error| error.to_string())?;
        Some(claims(&token).groups).filter(|groups| groups.len() == 1).ok_or(token)
    })
    .unwrap();
    assert_eq!(groups, ["company:on-call"]);
    eprintln!("known {:?} after the change", began.elapsed());
    let refused = gina.kubectl.run(&["get", "configmaps", "-n", PLACE]).unwrap();
    assert!(refused.stderr.contains("cannot list resource"), "RBAC hears of it: {refused}");
    assert_eq!(gina.sign_ins().unwrap().len(), 1, "and she did not have to sign in for it");
}
