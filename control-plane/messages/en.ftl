# The texts of the pages, in English. Every other language has the same messages with the same places ({ $name });
# a test compares them. `Backticks` show commands and names as code.

language-name = English

## Every page

page-skip = Skip to the content
page-footer = Kubernetes access with your company sign-in
page-languages = Language

# What needs no translation.
literal = { $words }

## Sign in

login-title = Sign in
login-for-command-line = The `kubegate` command line asks you to sign in.
login-only-yours = Go on only if you have just started it yourself.
login-demand = It asks for a sign-in { $demand }, even if you are signed in already.
login-continue-with = Continue with { $provider }
login-or-account = or with an account of this gateway
login-username = User name
login-password = Password
login-submit = Sign in
login-wrong = The user name or the password is wrong.
login-wait =
    { $seconds ->
        [one] Too many failed attempts. Wait one second, then try again.
       *[other] Too many failed attempts. Wait { $seconds } seconds, then try again.
    }
login-busy = Many people are signing in at this moment. Try again in a few seconds.

demand-acr = with acr { $classes }
demand-either = { $one } or { $other }
demand-now = made now
demand-age = at most { $age } old
demand-both = { $one } and { $other }

unmet-accounts = a sign-in { $demand } was asked for, and accounts of this gateway have no acr
unmet-answered = a sign-in { $demand } was asked for, and { $provider } answered: { $words }
unmet-gave = a sign-in { $demand } was asked for, and { $provider } { $given }
unmet-acr = gave acr { $acr }
unmet-no-acr = gave no acr
unmet-time = says that it was at { $at }
unmet-no-time = does not say when it was

provider-accounts = an account of this gateway

## The command line asks to go on

consent-title = Continue as { $user }?
consent-page = Continue as { $user }
consent-here = The `kubegate` command line on this computer wants to use your access to the clusters.
consent-elsewhere = The `kubegate` command line wants to use your access to the clusters.
consent-only-yours = Go on only if you have just started it yourself.
consent-code = You will get a code to type in on another machine. Go on only if you have just started `kubegate` there yourself, and never send the code to anybody.
consent-user = User
consent-provider = Signed in with
consent-allow = Continue
consent-other = Not you?
consent-deny = Cancel

## pomerium-cli asks to go on

pomerium-here = `pomerium-cli` on this computer wants to use your access to the cluster { $cluster }.
pomerium-cluster = Cluster
pomerium-at = { $cluster } at { $server }
pomerium-waits-at = It waits at
pomerium-hand-over-title = One more step
pomerium-hand-over = You are signed in as { $user }. Let `pomerium-cli` on this computer know, and it can use your access to the cluster { $cluster } until { $until }.
pomerium-hand-over-submit = Continue to pomerium-cli
pomerium-hand-over-only-yours = Go on only if you have just started it yourself; else close this page. If the browser cannot reach it, run the command again: it may have ended.

## A code to copy

code-title = Your code
code-lead = Copy this code to the terminal where `kubegate login` waits for it. It is good for five minutes, once.
code-label = Code
code-warning = Nobody but your own terminal needs this code. Whoever asks you for it in a message or on the phone wants to act as you.

## Signed in

signed-in-title = You are signed in
signed-in-page = Signed in
signed-in-as = as { $user }
signed-in-next = Go back to the terminal; `kubectl` works there now. You can close this page.
signed-in-home = What can I reach?

## Start page

welcome-title = Kubernetes access with your company sign-in
welcome-page = Welcome
welcome-lead = Kubegate lets you use `kubectl` on the clusters that you may reach, without a VPN and without passwords or certificates in files.
welcome-next = Sign in to see which clusters these are, and what to type.
welcome-sign-in = Sign in

home-title = Your access
home-user = User
home-groups = Groups
home-none = none
home-until = Signed in until
home-clusters = Clusters
home-no-clusters = No rule gives you access to a cluster. Ask whoever runs Kubegate, and name your user and groups as they stand above.
home-type-this = Type this once per cluster; afterwards `kubectl` works.
home-status = Status of the policy and the gateways
home-sign-out = Sign out

## Status

status-title = Status
status-failing = Nothing can be published since { $since }: gateways keep what they have, and hear of no revocation, no elevation and no new policy. It is tried again every second.
status-refused = The policy file was refused at { $at }. The policy before it stays in force.
status-problems = What is wrong with it
status-waiting = The policy file is good, and not in force yet. The policy before it stays in force until then.
status-in-force = The policy file is the policy in force.
status-policy = Policy in force
status-version = Version
status-version-since = { $version }, since { $since }
status-version-hint = an edit of the file makes a new version, and so do new token keys
status-holds = Holds
status-holds-clusters =
    { $clusters ->
        [one] one cluster
       *[other] { $clusters } clusters
    }
status-holds-rules =
    { $rules ->
        [one] one rule
       *[other] { $rules } rules
    }
status-live-set = Live set
status-signed = Signed
status-revocations = Revocations
status-elevations = Elevations
status-gateways = Gateways
status-asked = asked at { $at }, { $waiting } waiting
status-same = Kubegate { $version }. `kubegate admin status` shows the same.

gateway-nothing = has no policy yet
gateway-older = has something older, and was offered the newest
gateway-newest = has the newest
gateway-newer = has something newer than this control plane knows, and refuses what it is offered: after restoring the store from a backup, run `kubegate-control-plane new-epoch`
gateway-silent = does not ask
gateway-silent-since = has not asked since { $at }
gateway-silent-ever = has not asked since the control plane was started at { $at }
gateway-another = { $first }; another with its credential { $other }

## Errors: a title, what went wrong, and what to do

error-remedy = What you can do
error-reference = Reference
error-home = To the start page

error-internal =
    .title = Something failed on our side
    .what = Kubegate could not do what you asked for. This is not your mistake.
    .remedy = Try again in a minute. If it stays like this, give the reference below to whoever runs Kubegate.
error-not-found =
    .title = There is nothing here
    .what = Kubegate has no page at this address.
    .remedy = Go to the start page, or run the command again that brought you here.
error-form-expired =
    .title = This form is no longer valid
    .what = It was opened in another browser, or the sign-in that it belongs to has ended.
    .remedy = Go back, load the page again, and send it once more.
error-login-form-expired =
    .title = This form is no longer valid
    .what = It was not opened in this browser, or the browser does not keep our cookie.
    .remedy = Allow cookies for this site, open the sign-in page again, and send the form once more.
error-logout-form-expired =
    .title = You are still signed in
    .what = The form was not opened in this browser.
    .remedy = Open the start page and sign out there.
error-bad-authorization-request =
    .title = This sign-in request is not valid
    .what = It does not come from the kubegate command line as we know it: { $problem }.
    .remedy = Run `kubegate login` again. If you followed a link from somewhere else, do not use it.
error-unmet =
    .title = This sign-in is not enough
    .what = Kubegate cannot go on: { $problem }.
    .remedy = There is no code for the terminal: end the command that waits there. Run it again, and sign in another way that your identity provider offers. If it has none, ask whoever runs Kubegate. Until then everything stays as it was.
error-no-code =
    .title = No code
    .what = There is no code in this address.
    .remedy = Run `kubegate login --no-browser` again and open the address that it prints.
error-no-code-denied =
    .title = No code
    .what = You did not let the command line go on.
    .remedy = Run `kubegate login --no-browser` again and open the address that it prints.
error-pomerium-denied =
    .title = pomerium-cli gets nothing
    .what = You did not let it go on.
    .remedy = End the command that waits in the terminal with Ctrl+C. You can close this page.
error-bad-pomerium-request =
    .title = This sign-in cannot go on
    .what = Its address was used before, is older than ten minutes, or does not come from pomerium-cli as we know it.
    .remedy = Run the command again. If you followed a link from somewhere else, do not use it.
error-no-pomerium =
    .title = pomerium-cli does not work with this cluster
    .what = Kubegate's configuration does not allow it there, or the cluster is no longer there.
    .remedy = Use `kubegate kubeconfig` to set up the cluster, or ask whoever runs Kubegate.
error-pomerium-groups =
    .title = You have too many groups for pomerium-cli
    .what = The names of your groups are { $length } characters long together. A token of pomerium-cli cannot be renewed, so it has to carry all of them, and it has room for { $most }.
    .remedy = Use `kubegate` instead of pomerium-cli: its tokens are renewed, and carry the groups that matter. Or ask whoever runs your identity provider to send fewer groups.
error-pomerium-token =
    .title = Your token would be too large
    .what = It would be { $length } characters long, and no more than { $most } can be sent.
    .remedy = Use `kubegate` instead of pomerium-cli, or ask whoever runs Kubegate for help.
error-reserved-user =
    .title = Nobody can sign in under this name
    .what = Your user name { $user } is one of those that are for service accounts.
    .remedy = Ask whoever runs Kubegate to give service accounts another prefix, or you another user name.
error-pomerium-session-over =
    .title = Your sign-in is over
    .what = It ended before pomerium-cli could get its token.
    .remedy = Run the command again, and sign in once more.
error-unknown-provider =
    .title = There is no such provider
    .what = Kubegate knows no identity provider by this name.
    .remedy = Open the sign-in page and choose one of those that it offers.
error-account-disabled =
    .title = Your account is disabled
    .what = The sign-in went well, but { $by } disabled your account here on { $at }: { $reason }
    .remedy = Ask { $by }, or another administrator of Kubegate, to enable `{ $person }` again.
error-not-an-administrator =
    .title = This page is for administrators
    .what = You are signed in as { $user }, who is none of them.
    .remedy = Ask whoever runs Kubegate; `admins` in the control plane's configuration names the administrators.

error-provider-unavailable =
    .title = The identity provider does not answer
    .what = Kubegate could not reach { $provider }, or did not understand its answer.
    .remedy = Try again in a minute. If it stays like this, tell whoever runs Kubegate, with the reference below.
error-state-mismatch =
    .title = This sign-in is over
    .what = It was begun in another browser, more than ten minutes ago, or has ended already.
    .remedy = Begin again where you came from: the start page, or `kubegate login`. Cookies have to be allowed.
error-denied =
    .title = You were not signed in
    .what = { $provider } answered: { $words }
    .remedy = Begin again. If you should have access, ask whoever runs the identity provider.
error-bad-answer =
    .title = The identity provider's answer is not valid
    .what = { $provider } sent an answer that Kubegate cannot trust.
    .remedy = Begin again. If it happens again, tell whoever runs Kubegate, with the reference below.
error-claim-missing =
    .title = You cannot be signed in under this name
    .what = What { $provider } says about you cannot be used: the claim { $claim } is missing or is no text.
    .remedy = Ask whoever runs Kubegate to ask the provider for this claim (`scopes`), or to use another (`claims`).
error-email-not-verified =
    .title = You cannot be signed in under this name
    .what = What { $provider } says about you cannot be used: the e-mail address { $email } is not verified.
    .remedy = Verify your address at the identity provider. If it does not do that, whoever runs Kubegate can trust it for your domain (`trustEmail`).
error-bad-user-name =
    .title = You cannot be signed in under this name
    .what = What { $provider } says about you cannot be used: { $problem }.
    .remedy = Ask whoever runs the identity provider for another name, or whoever runs Kubegate to take the name from another claim.
