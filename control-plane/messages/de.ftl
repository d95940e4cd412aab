# Die Texte der Seiten auf Deutsch.

language-name = Deutsch

## Every page

page-skip = Zum Inhalt
page-footer = Kubernetes-Zugang mit der Anmeldung Ihrer Firma
page-languages = Sprache

# What needs no translation.
literal = { $words }

## Sign in

login-title = Anmelden
login-for-command-line = Das Programm `kubegate` bittet Sie, sich anzumelden.
login-only-yours = Fahren Sie nur fort, wenn Sie es gerade selbst gestartet haben.
login-demand = Es verlangt eine Anmeldung { $demand }, auch wenn Sie schon angemeldet sind.
login-continue-with = Weiter mit { $provider }
login-or-account = oder mit einem Konto dieses Gateways
login-username = Benutzername
login-password = Passwort
login-submit = Anmelden
login-wrong = Der Benutzername oder das Passwort ist falsch.
login-wait =
    { $seconds ->
        [one] Zu viele Fehlversuche. Warten Sie eine Sekunde und versuchen Sie es dann noch einmal.
       *[other] Zu viele Fehlversuche. Warten Sie { $seconds } Sekunden und versuchen Sie es dann noch einmal.
    }
login-busy = Gerade melden sich viele Leute an. Versuchen Sie es in ein paar Sekunden noch einmal.

demand-acr = mit acr { $classes }
demand-either = { $one } oder { $other }
demand-now = von jetzt
demand-age = die höchstens { $age } alt ist
demand-both = { $one } und { $other }

unmet-accounts = Verlangt war eine Anmeldung { $demand }, und Konten dieses Gateways haben kein acr
unmet-answered = Verlangt war eine Anmeldung { $demand }, und { $provider } antwortete: { $words }
unmet-gave = Verlangt war eine Anmeldung { $demand }, und { $provider } { $given }
unmet-acr = gab acr { $acr }
unmet-no-acr = gab kein acr
unmet-time = sagt, dass sie um { $at } war
unmet-no-time = sagt nicht, wann sie war

provider-accounts = ein Konto dieses Gateways

## The command line asks to go on

consent-title = Weiter als { $user }?
consent-page = Weiter als { $user }
consent-here = Das Programm `kubegate` auf diesem Rechner möchte Ihren Zugang zu den Clustern benutzen.
consent-elsewhere = Das Programm `kubegate` möchte Ihren Zugang zu den Clustern benutzen.
consent-only-yours = Fahren Sie nur fort, wenn Sie es gerade selbst gestartet haben.
consent-code = Sie bekommen einen Code, den Sie auf einem anderen Rechner eingeben. Fahren Sie nur fort, wenn Sie `kubegate` dort gerade selbst gestartet haben, und schicken Sie den Code niemandem.
consent-user = Benutzer
consent-provider = Angemeldet mit
consent-allow = Weiter
consent-other = Nicht Sie?
consent-deny = Abbrechen

## pomerium-cli asks to go on

pomerium-here = `pomerium-cli` auf diesem Rechner möchte Ihren Zugang zum Cluster { $cluster } benutzen.
pomerium-cluster = Cluster
pomerium-at = { $cluster } unter { $server }
pomerium-waits-at = Es wartet unter
pomerium-hand-over-title = Noch ein Schritt
pomerium-hand-over = Sie sind angemeldet als { $user }. Geben Sie `pomerium-cli` auf diesem Rechner Bescheid, dann kann es Ihren Zugang zum Cluster { $cluster } bis { $until } benutzen.
pomerium-hand-over-submit = Weiter zu pomerium-cli
pomerium-hand-over-only-yours = Fahren Sie nur fort, wenn Sie es gerade selbst gestartet haben; sonst schließen Sie diese Seite. Wenn der Browser es nicht erreicht, rufen Sie den Befehl noch einmal auf: Vielleicht ist er schon beendet.

## A code to copy

code-title = Ihr Code
code-lead = Kopieren Sie diesen Code in das Terminal, in dem `kubegate login` darauf wartet. Er gilt fünf Minuten und nur einmal.
code-label = Code
code-warning = Niemand außer Ihrem eigenen Terminal braucht diesen Code. Wer in einer Nachricht oder am Telefon danach fragt, will in Ihrem Namen handeln.

## Signed in

signed-in-title = Sie sind angemeldet
signed-in-page = Angemeldet
signed-in-as = als { $user }
signed-in-next = Gehen Sie zurück zum Terminal; `kubectl` funktioniert dort jetzt. Sie können diese Seite schließen.
signed-in-home = Was kann ich erreichen?

## Start page

welcome-title = Kubernetes-Zugang mit der Anmeldung Ihrer Firma
welcome-page = Willkommen
welcome-lead = Mit Kubegate benutzen Sie `kubectl` auf den Clustern, die Sie erreichen dürfen, ohne VPN und ohne Passwörter oder Zertifikate in Dateien.
welcome-next = Melden Sie sich an, um zu sehen, welche Cluster das sind und was Sie eintippen.
welcome-sign-in = Anmelden

home-title = Ihr Zugang
home-user = Benutzer
home-groups = Gruppen
home-none = keine
home-until = Angemeldet bis
home-clusters = Cluster
home-no-clusters = Keine Regel gibt Ihnen Zugang zu einem Cluster. Fragen Sie die Betreiber von Kubegate und nennen Sie Benutzer und Gruppen, wie sie oben stehen.
home-type-this = Tippen Sie das einmal je Cluster ein; danach funktioniert `kubectl`.
home-status = Stand der Policy und der Gateways
home-sign-out = Abmelden

## Status

status-title = Stand
status-failing = Seit { $since } kann nichts veröffentlicht werden: Gateways behalten, was sie haben, und erfahren von keinem Widerruf, keiner Erhöhung und keiner neuen Policy. Jede Sekunde wird es noch einmal versucht.
status-refused = Die Policy-Datei wurde um { $at } abgelehnt. Die Policy davor bleibt in Kraft.
status-problems = Was daran falsch ist
status-waiting = Die Policy-Datei ist gut, aber noch nicht in Kraft. Bis dahin bleibt die Policy davor in Kraft.
status-in-force = Die Policy-Datei ist die Policy in Kraft.
status-policy = Policy in Kraft
status-version = Version
status-version-since = { $version }, seit { $since }
status-version-hint = Eine Änderung der Datei macht eine neue Version, neue Schlüssel für Tokens auch
status-holds = Enthält
status-holds-clusters =
    { $clusters ->
        [one] einen Cluster
       *[other] { $clusters } Cluster
    }
status-holds-rules =
    { $rules ->
        [one] eine Regel
       *[other] { $rules } Regeln
    }
status-live-set = Live-Menge
status-signed = Signiert
status-revocations = Widerrufe
status-elevations = Erhöhungen
status-gateways = Gateways
status-asked = fragte um { $at }, { $waiting } warten
status-same = Kubegate { $version }. `kubegate admin status` zeigt dasselbe.

gateway-nothing = hat noch keine Policy
gateway-older = hat etwas Älteres und bekam das Neueste angeboten
gateway-newest = hat das Neueste
gateway-newer = hat etwas Neueres, als diese Control Plane kennt, und lehnt ab, was ihm angeboten wird: Nach dem Einspielen einer Sicherung führen Sie `kubegate-control-plane new-epoch` aus
gateway-silent = fragt nicht
gateway-silent-since = hat seit { $at } nicht gefragt
gateway-silent-ever = hat nicht gefragt, seit die Control Plane um { $at } gestartet wurde
gateway-another = { $first }; ein anderer mit demselben Geheimnis { $other }

## Errors: a title, what went wrong, and what to do

error-remedy = Was Sie tun können
error-reference = Kennung
error-home = Zur Startseite

error-internal =
    .title = Bei uns ging etwas schief
    .what = Kubegate konnte nicht tun, worum Sie gebeten haben. Das ist nicht Ihr Fehler.
    .remedy = Versuchen Sie es in einer Minute noch einmal. Wenn es so bleibt, geben Sie den Betreibern von Kubegate die Kennung unten.
error-not-found =
    .title = Hier ist nichts
    .what = Kubegate hat keine Seite unter dieser Adresse.
    .remedy = Gehen Sie zur Startseite, oder führen Sie den Befehl noch einmal aus, der Sie hierher gebracht hat.
error-form-expired =
    .title = Dieses Formular gilt nicht mehr
    .what = Es wurde in einem anderen Browser geöffnet, oder die Anmeldung, zu der es gehört, ist zu Ende.
    .remedy = Gehen Sie zurück, laden Sie die Seite neu und schicken Sie das Formular noch einmal ab.
error-login-form-expired =
    .title = Dieses Formular gilt nicht mehr
    .what = Es wurde nicht in diesem Browser geöffnet, oder der Browser behält unser Cookie nicht.
    .remedy = Erlauben Sie Cookies für diese Seite, öffnen Sie die Anmeldung noch einmal und schicken Sie das Formular wieder ab.
error-logout-form-expired =
    .title = Sie sind noch angemeldet
    .what = Das Formular wurde nicht in diesem Browser geöffnet.
    .remedy = Öffnen Sie die Startseite und melden Sie sich dort ab.
error-bad-authorization-request =
    .title = Diese Bitte um Anmeldung gilt nicht
    .what = Sie kommt nicht von dem Programm kubegate, wie wir es kennen: { $problem }.
    .remedy = Führen Sie `kubegate login` noch einmal aus. Wenn Sie einem Link von anderswo gefolgt sind, benutzen Sie ihn nicht.
error-unmet =
    .title = Diese Anmeldung genügt nicht
    .what = Kubegate kann nicht weitermachen: { $problem }.
    .remedy = Für das Terminal gibt es keinen Code: Beenden Sie den Befehl, der dort wartet. Führen Sie ihn noch einmal aus und melden Sie sich auf eine andere Art an, die Ihr Identity-Provider anbietet. Wenn er keine hat, fragen Sie die Betreiber von Kubegate. Bis dahin bleibt alles, wie es war.
error-no-code =
    .title = Kein Code
    .what = In dieser Adresse ist kein Code.
    .remedy = Führen Sie `kubegate login --no-browser` noch einmal aus und öffnen Sie die Adresse, die es ausgibt.
error-no-code-denied =
    .title = Kein Code
    .what = Sie haben das Programm nicht weitermachen lassen.
    .remedy = Führen Sie `kubegate login --no-browser` noch einmal aus und öffnen Sie die Adresse, die es ausgibt.
error-pomerium-denied =
    .title = pomerium-cli bekommt nichts
    .what = Sie haben es nicht fortfahren lassen.
    .remedy = Beenden Sie den Befehl, der im Terminal wartet, mit Strg+C. Diese Seite können Sie schließen.
error-bad-pomerium-request =
    .title = Diese Anmeldung kann nicht weitergehen
    .what = Ihre Adresse wurde schon benutzt, ist älter als zehn Minuten oder kommt nicht von pomerium-cli, wie wir es kennen.
    .remedy = Rufen Sie den Befehl noch einmal auf. Wenn Sie einem Link von anderswo gefolgt sind, benutzen Sie ihn nicht.
error-no-pomerium =
    .title = pomerium-cli geht mit diesem Cluster nicht
    .what = Die Konfiguration von Kubegate erlaubt es dort nicht, oder den Cluster gibt es nicht mehr.
    .remedy = Richten Sie den Cluster mit `kubegate kubeconfig` ein, oder fragen Sie die Betreiber von Kubegate.
error-pomerium-groups =
    .title = Sie haben zu viele Gruppen für pomerium-cli
    .what = Die Namen Ihrer Gruppen sind zusammen { $length } Zeichen lang. Ein Token von pomerium-cli kann nicht erneuert werden, es muss also alle tragen, und es hat Platz für { $most }.
    .remedy = Benutzen Sie `kubegate` statt pomerium-cli: Seine Tokens werden erneuert und tragen die Gruppen, auf die es ankommt. Oder bitten Sie die Betreiber Ihres Identity-Providers, weniger Gruppen zu schicken.
error-pomerium-token =
    .title = Ihr Token würde zu groß
    .what = Es würde { $length } Zeichen lang, und mehr als { $most } lassen sich nicht schicken.
    .remedy = Benutzen Sie `kubegate` statt pomerium-cli, oder bitten Sie die Betreiber von Kubegate um Hilfe.
error-reserved-user =
    .title = Unter diesem Namen kann sich niemand anmelden
    .what = Ihr Benutzername { $user } ist einer von denen, die für Dienstkonten sind.
    .remedy = Bitten Sie die Betreiber von Kubegate um ein anderes Präfix für Dienstkonten oder um einen anderen Benutzernamen für Sie.
error-pomerium-session-over =
    .title = Ihre Anmeldung ist zu Ende
    .what = Sie endete, bevor pomerium-cli sein Token bekommen konnte.
    .remedy = Rufen Sie den Befehl noch einmal auf, und melden Sie sich noch einmal an.
error-unknown-provider =
    .title = Diesen Provider gibt es nicht
    .what = Kubegate kennt keinen Identity-Provider mit diesem Namen.
    .remedy = Öffnen Sie die Anmeldung und wählen Sie einen, den sie anbietet.
error-account-disabled =
    .title = Ihr Konto ist gesperrt
    .what = Die Anmeldung ging gut, aber { $by } hat Ihr Konto hier am { $at } gesperrt: { $reason }
    .remedy = Bitten Sie { $by } oder einen anderen Administrator von Kubegate, `{ $person }` wieder freizugeben.
error-not-an-administrator =
    .title = Diese Seite ist für Administratoren
    .what = Sie sind als { $user } angemeldet und keiner von ihnen.
    .remedy = Fragen Sie die Betreiber von Kubegate; `admins` in der Konfiguration der Control Plane nennt die Administratoren.

error-provider-unavailable =
    .title = Der Identity-Provider antwortet nicht
    .what = Kubegate konnte { $provider } nicht erreichen oder verstand die Antwort nicht.
    .remedy = Versuchen Sie es in einer Minute noch einmal. Wenn es so bleibt, sagen Sie es den Betreibern von Kubegate, mit der Kennung unten.
error-state-mismatch =
    .title = Diese Anmeldung ist vorbei
    .what = Sie wurde in einem anderen Browser begonnen, vor mehr als zehn Minuten, oder ist schon beendet.
    .remedy = Beginnen Sie dort noch einmal, wo Sie herkamen: auf der Startseite oder mit `kubegate login`. Cookies müssen erlaubt sein.
error-denied =
    .title = Sie wurden nicht angemeldet
    .what = { $provider } antwortete: { $words }
    .remedy = Beginnen Sie noch einmal. Wenn Sie Zugang haben sollten, fragen Sie die Betreiber des Identity-Providers.
error-bad-answer =
    .title = Die Antwort des Identity-Providers gilt nicht
    .what = { $provider } schickte eine Antwort, der Kubegate nicht trauen kann.
    .remedy = Beginnen Sie noch einmal. Wenn es wieder geschieht, sagen Sie es den Betreibern von Kubegate, mit der Kennung unten.
error-claim-missing =
    .title = Unter diesem Namen können Sie nicht angemeldet werden
    .what = Was { $provider } über Sie sagt, ist nicht zu gebrauchen: Der Claim { $claim } fehlt oder ist kein Text.
    .remedy = Bitten Sie die Betreiber von Kubegate, den Provider um diesen Claim zu bitten (`scopes`) oder einen anderen zu benutzen (`claims`).
error-email-not-verified =
    .title = Unter diesem Namen können Sie nicht angemeldet werden
    .what = Was { $provider } über Sie sagt, ist nicht zu gebrauchen: Die E-Mail-Adresse { $email } ist nicht bestätigt.
    .remedy = Bestätigen Sie Ihre Adresse beim Identity-Provider. Wenn er das nicht anbietet, können die Betreiber von Kubegate ihm für Ihre Domain trauen (`trustEmail`).
error-bad-user-name =
    .title = Unter diesem Namen können Sie nicht angemeldet werden
    .what = Was { $provider } über Sie sagt, ist nicht zu gebrauchen: { $problem }.
    .remedy = Bitten Sie die Betreiber des Identity-Providers um einen anderen Namen, oder die Betreiber von Kubegate, den Namen aus einem anderen Claim zu nehmen.
