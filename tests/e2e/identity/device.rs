//! A machine without a browser.

use kubegate_tests::browser::Browser;
use kubegate_tests::person::Person;
use kubegate_tests::world::World;

use super::sign_in::PLACE;
use super::site::Site;
use crate::device::Waiting;

pub(super) fn signed_in(site: &Site, world: &World) {
    let mia = site.person(world, "mia");
    signs_in(site, world, &mia);
    mia.kubectl.run(&["get", "configmaps", "-n", PLACE]).unwrap().ok().unwrap();
    assert_eq!(mia.sign_ins().unwrap(), Vec::<String>::new(), "no browser opened here");
}

/// Signs a person's machine in from a browser elsewhere, which is given back.
pub(super) fn signs_in(site: &Site, world: &World, person: &Person) -> Browser {
    let waiting = Waiting::begin(person);
    let link = waiting.told("verification_uri_complete");
    assert!(link.starts_with(&site.url()), "{link}");
    let browser = Browser::new(&world.pki.ca).unwrap();
    let page = browser.sign_in(link, &person.login).unwrap();
    assert!(page.text().contains("go back to the terminal"), "{}", page.text());
    let (output, last) = waiting.end();
    assert!(output.status.success(), "{output:?} {last}");
    browser
}
