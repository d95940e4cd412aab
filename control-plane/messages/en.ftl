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
login-email = Work e-mail address
login-email-submit = Continue with e-mail
login-or-choose = or choose
login-no-address = That is not an e-mail address. Write it like name@example.com.
login-unknown-domain = No identity provider here is for addresses of { $domain }. Check the address, or choose another way to sign in.
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
provider-service-accounts = no sign-in: an administrator issued it

## The command line asks to go on

consent-title = Continue as { $user }?
consent-page = Continue as { $user }
consent-here = The `kubegate` command line on this computer wants to use your access to the clusters.
consent-elsewhere = The `kubegate` command line wants to use your access to the clusters.
consent-only-yours = Go on only if you have just started it yourself.
consent-code = You will get a code to type in on another machine. Go on only if you have just started `kubegate` there yourself, and never send the code to anybody.
consent-device = Machine, as it says
consent-user = User
consent-provider = Signed in with
consent-allow = Continue
consent-other = Not you?
consent-deny = Cancel

## A machine without a browser

device-title = Sign in another machine
device-lead = Type the code that `kubegate` shows in your terminal.
device-code = Code
device-warning = Type no code that somebody else gave you: they would act as you.
device-no-code = This is no code. It has eight letters, like BCDF-GHJK: no digits and no vowels.
device-unknown-code = No machine waits with this code. It may have been used before, or be older than ten minutes: run the command in the terminal again.
device-wait =
    { $seconds ->
        [one] You tried too many codes. Wait one second, then try again.
       *[other] You tried too many codes. Wait { $seconds } seconds, then try again.
    }
device-confirm-page = Sign in another machine?
device-confirm-title = Sign in this machine as { $user }?
device-confirm-lead = Somebody runs `kubegate` there and wants to use your access to the clusters.
device-confirm-code = Go on only if that is you, and your terminal shows this code:
device-elsewhere = The request came from another address than this browser’s. That is usual for a machine somewhere else. If you do not know the address below, choose Deny.
device-not-said = not said
device-client = Program, as it says
device-address = Asked from
device-here = This browser
device-at = Asked at
device-for = First for
device-for-cluster = the cluster { $cluster }
device-for-none = no cluster yet
device-allow = Allow
device-deny = Deny
device-session = Its session can use every cluster that you can, and ends with this sign-in at the latest.
device-done-title = Done: go back to the terminal
device-done = The other machine is signed in as { $user } in a few seconds.
device-done-next = You can close this page. To end that session later, run `kubegate logout` there.
device-denied = Denied
device-denied-nothing = The other machine gets nothing, and everything is as it was.
device-denied-next = You can close this page. If you were asked to type a code that is not from your own terminal, tell whoever runs Kubegate.

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

signed-out-title = You are signed out
signed-out-page = Signed out
signed-out-there = You are signed out of { $provider } too.
signed-out-here =
    { $sessions ->
        [one] This browser’s session has ended. Its open streams are cut.
       *[other] { $sessions } sessions have ended: this browser’s, and those of the command lines that you signed in with it. Their open streams are cut.
    }
signed-out-on = Now you are led on to { $provider }, to sign out there. If nothing happens:
signed-out-go = go on to { $provider }
signed-out-home = Start page

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
home-sign-out = Sign out

home-commands = Commands for { $cluster }
home-kubeconfig = Ready kubeconfig
home-kubeconfig-hint = Or take a file with all of them. There is no secret in it; `kubectl` needs the program `kubegate` beside it.
home-download = Download the kubeconfig
home-copy = Show it to copy
home-elevations = More access for a while
home-elevations-hint = An administrator has given you these groups on top of yours.
home-elevation-until = Until
home-elevation-by = Given by
home-elevation-reason = Reason
home-sessions = Your sessions
home-sessions-hint = Where you are signed in. End what you do not know; its access is gone within a second.
home-admin = Administration
home-sign-out-everywhere = Sign out everywhere
home-device = Sign in a machine without a browser

## A session

session-kind = Kind
session-address = Place
session-address-unknown = unknown
session-provider = Signed in with
session-used = Last used
session-began = Began
session-until = Ends at the latest
session-idle = It has not been used for long and gives no new access; streams that were open may go on.
session-this = this one
session-end = End
session-end-this = End the session of { $user } on { $device }
session-ended = Ended. Its access is gone within a second.

device-browser = { $browser } on { $system }
device-unknown = it did not say what it is

kind-browser = browser
kind-cli = command line
kind-device = command line, let in from another device
kind-workload = workload
kind-pomerium = pomerium-cli
kind-service-account = service account of pomerium-cli

## Administration

admin-sections = Administration
admin-sessions = Sessions
admin-users = Users
admin-providers = Providers
admin-search = User
admin-search-hint = A user name as API servers see it, or an id such as `corp:248289761001`.
admin-search-submit = Search
admin-next = Next page
admin-no-sessions = There are no sessions.
admin-end-all = End all sessions of { $user }
admin-disabled = Disabled
admin-disabled-by = Disabled by { $by } on { $at }: { $reason }
admin-is-disabled = Disabled
admin-known = Known
admin-known-hint = Everybody who has signed in lately. People are forgotten a day after the longest life of their last session.
admin-no-users = Nobody of this name is known.
admin-you = you
admin-id = Id
admin-live-sessions =
    { $sessions ->
        [one] one session
       *[other] { $sessions } sessions
    }
admin-disable-whom = Disable { $person }
admin-disable-hint = It ends all sessions and elevations within a second, and no sign-in helps until somebody enables the person again.
admin-disable = Disable
admin-enable = Enable
admin-reason = Reason
admin-reason-enable = Reason to enable { $person }
admin-user-disabled = Disabled. Gateways know it within a second.
admin-user-enabled = Enabled. The person can sign in again.
admin-accounts =
    { $accounts ->
        [one] There is one built-in account.
       *[other] There are { $accounts } built-in accounts.
    }
admin-no-providers = There is no identity provider in `providers` of the configuration.
admin-providers-hint = What they answered when somebody signed in; they are not asked for this page.

provider-asking = It is being asked at this moment.
provider-good = It answered well when it was asked last.
provider-bad = It did not answer as it should when it was asked last.
provider-never = Nobody has needed it since the control plane was started.
provider-id = Id
provider-issuer = Issuer
provider-answered = Answered well
provider-answered-keys =
    { $keys ->
        [one] { $at }, with one key
       *[other] { $at }, with { $keys } keys
    }
provider-failed = Failed
provider-kind = Kind
provider-address = Address
provider-no-discovery = It has no discovery document, so nothing is known of it before somebody signs in.
provider-group-problem = The file that groups come from is wrong as it is now. What it said before stays in force.
provider-push = Pushes (SCIM)
provider-push-users =
    { $users ->
        [one] one user
       *[other] { $users } users
    }
provider-push-groups =
    { $groups ->
        [one] one group
       *[other] { $groups } groups
    }
provider-pushed = Last push
provider-pushed-never = none yet
provider-push-failed = Last push refused

groups-claims = the claim `{ $claim }` of the ID token, else of userinfo
groups-id-token = the claim `{ $claim }` of the ID token
groups-userinfo = the claim `{ $claim }` of userinfo
groups-entra = the claim `{ $claim }` of the ID token, and Microsoft Graph where there are too many for it
groups-github = organisations and teams
groups-file = the file `{ $file }`
groups-scim = what it pushes (SCIM)
groups-none = none

workloads-title = Workloads
workloads-hint = Whose tokens machines may show instead of signing in.
workloads-audience = Audience
workloads-prefix = User names begin with

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
status-gateway-version = version { $version }
status-behind =
    { $versions ->
        [one] one version behind
       *[other] { $versions } versions behind
    }
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
error-unmet-device =
    .title = This sign-in is not enough
    .what = Kubegate cannot go on: { $problem }.
    .remedy = Sign in another way that your identity provider offers, or end the command that waits in the terminal. If there is no other way, ask whoever runs Kubegate.
error-device-flow-off =
    .title = This way to sign in is turned off
    .what = Here nobody may sign in another machine by a code.
    .remedy = End the command that waits in the terminal, and run `kubegate login --no-browser` there instead.
error-device-flow-off-for =
    .title = This way to sign in is turned off
    .what = Who signed in with { $provider } may not sign in another machine by a code.
    .remedy = End the command that waits in the terminal, and run `kubegate login --no-browser` there instead.
error-device-code-over =
    .title = This request is over
    .what = Somebody has decided about it already, or it is older than ten minutes.
    .remedy = If the terminal still waits, run the command there again and type its new code.
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
error-not-provisioned-unknown =
    .title = You are not set up here yet
    .what = The sign-in went well, but { $provider } has not told Kubegate about you.
    .remedy = Ask whoever runs { $provider } to assign you to Kubegate there. It may take { $provider } 40 minutes to tell; then sign in again.
error-not-provisioned-inactive =
    .title = Your account is deactivated
    .what = The sign-in went well, but { $provider } has told Kubegate that you are not active here.
    .remedy = Ask whoever runs { $provider } to assign you to Kubegate there. It may take { $provider } 40 minutes to tell; then sign in again.
error-not-provisioned-ambiguous =
    .title = It is not clear who you are
    .what = The sign-in went well, but { $provider } has told Kubegate about two people who both may be you.
    .remedy = Tell whoever runs Kubegate, with the reference below: `scim.link` in its configuration may be wrong.
error-not-provisioned-unlinked =
    .title = It is not clear who you are
    .what = The sign-in went well, but { $provider } did not say in it what links you to those it told Kubegate about.
    .remedy = Tell whoever runs Kubegate, with the reference below: `scim.link` in its configuration may be wrong.
error-not-an-administrator =
    .title = This page is for administrators
    .what = You are signed in as { $user }, who is none of them.
    .remedy = Ask whoever runs Kubegate; `admins` in the control plane's configuration names the administrators.
error-no-cluster =
    .title = No such cluster
    .what = No rule gives you access to a cluster of this name, or to any.
    .remedy = Look on the start page which clusters you reach. If one is missing, ask whoever runs Kubegate.
error-no-reason =
    .title = The reason is missing
    .what = Whoever disables or enables somebody gives a reason: one line of 1 to 500 characters, such as a ticket.
    .remedy = Go back and give one. Nothing has been changed.
error-yourself =
    .title = That would be yourself
    .what = You would shut yourself out, perhaps as the last administrator.
    .remedy = Ask another administrator. Nothing has been changed.

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
error-groups-unavailable =
    .title = Your groups are not known
    .what = Kubegate could not learn from { $provider } which groups you are in, and does not let you in without.
    .remedy = Try again in a minute. If it stays like this, tell whoever runs Kubegate, with the reference below.
error-bad-groups =
    .title = Your groups cannot be read
    .what = What { $provider } says about your groups cannot be used: the claim { $claim } is no list of names.
    .remedy = Ask whoever runs Kubegate to name another claim for the groups (`claims`).
error-groups-overage =
    .title = You are in too many groups
    .what = You are in more groups than { $provider } puts into its answer, so it leaves them all out.
    .remedy = Ask whoever runs Kubegate to look the groups up at Microsoft Graph (`from: entra`), or whoever runs the provider to send only the groups that are assigned to the application.
error-not-in-organization =
    .title = You are in none of the organisations
    .what = { $provider } says that { $login } is in none of the organisations whose members may sign in, or the organisation has not approved Kubegate.
    .remedy = Ask for membership, or have an owner of the organisation approve Kubegate (Settings, Third-party Access).
