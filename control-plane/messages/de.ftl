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
login-email = E-Mail-Adresse Ihrer Firma
login-email-submit = Weiter mit E-Mail
login-or-choose = oder wählen Sie
login-no-address = Das ist keine E-Mail-Adresse. Schreiben Sie sie wie name@example.com.
login-unknown-domain = Für Adressen von { $domain } gibt es hier keinen Identity-Provider. Prüfen Sie die Adresse, oder melden Sie sich anders an.
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
provider-service-accounts = keine Anmeldung: ein Administrator hat es ausgestellt

## The command line asks to go on

consent-title = Weiter als { $user }?
consent-page = Weiter als { $user }
consent-here = Das Programm `kubegate` auf diesem Rechner möchte Ihren Zugang zu den Clustern benutzen.
consent-elsewhere = Das Programm `kubegate` möchte Ihren Zugang zu den Clustern benutzen.
consent-only-yours = Fahren Sie nur fort, wenn Sie es gerade selbst gestartet haben.
consent-code = Sie bekommen einen Code, den Sie auf einem anderen Rechner eingeben. Fahren Sie nur fort, wenn Sie `kubegate` dort gerade selbst gestartet haben, und schicken Sie den Code niemandem.
consent-device = Rechner, wie er sagt
consent-user = Benutzer
consent-provider = Angemeldet mit
consent-allow = Weiter
consent-other = Nicht Sie?
consent-deny = Abbrechen

## A machine without a browser

device-title = Einen anderen Rechner anmelden
device-lead = Tippen Sie den Code ein, den `kubegate` in Ihrem Terminal zeigt.
device-code = Code
device-warning = Tippen Sie keinen Code ein, den Ihnen jemand anders gegeben hat: Er würde in Ihrem Namen handeln.
device-no-code = Das ist kein Code. Er hat acht Buchstaben, wie BCDF-GHJK: keine Ziffern und keine Vokale.
device-unknown-code = Kein Rechner wartet mit diesem Code. Vielleicht wurde er schon benutzt, oder er ist älter als zehn Minuten: Führen Sie den Befehl im Terminal noch einmal aus.
device-wait =
    { $seconds ->
        [one] Sie haben zu viele Codes versucht. Warten Sie eine Sekunde und versuchen Sie es dann noch einmal.
       *[other] Sie haben zu viele Codes versucht. Warten Sie { $seconds } Sekunden und versuchen Sie es dann noch einmal.
    }
device-confirm-page = Einen anderen Rechner anmelden?
device-confirm-title = Diesen Rechner als { $user } anmelden?
device-confirm-lead = Jemand führt dort `kubegate` aus und möchte Ihren Zugang zu den Clustern benutzen.
device-confirm-code = Fahren Sie nur fort, wenn Sie das sind und Ihr Terminal diesen Code zeigt:
device-elsewhere = Die Bitte kam von einer anderen Adresse als der dieses Browsers. Bei einem Rechner anderswo ist das üblich. Wenn Sie die Adresse unten nicht kennen, lehnen Sie ab.
device-not-said = nicht gesagt
device-client = Programm, wie es sagt
device-address = Gebeten von
device-here = Dieser Browser
device-at = Gebeten am
device-for = Zuerst für
device-for-cluster = den Cluster { $cluster }
device-for-none = noch keinen Cluster
device-allow = Erlauben
device-deny = Ablehnen
device-session = Seine Sitzung kann jeden Cluster benutzen, den Sie benutzen können, und endet spätestens mit dieser Anmeldung.
device-done-title = Fertig: zurück zum Terminal
device-done = Der andere Rechner ist in ein paar Sekunden als { $user } angemeldet.
device-done-next = Sie können diese Seite schließen. Um die Sitzung später zu beenden, führen Sie dort `kubegate logout` aus.
device-denied = Abgelehnt
device-denied-nothing = Der andere Rechner bekommt nichts, und alles ist, wie es war.
device-denied-next = Sie können diese Seite schließen. Wenn man Sie bat, einen Code einzutippen, der nicht aus Ihrem eigenen Terminal ist, sagen Sie es den Betreibern von Kubegate.

## pomerium-cli asks to go on

pomerium-here = `pomerium-cli` auf diesem Rechner möchte Ihren Zugang zum Cluster { $cluster } benutzen.
pomerium-cluster = Cluster
pomerium-at = { $cluster } unter { $server }
pomerium-waits-at = Es wartet unter
pomerium-hand-over-title = Noch ein Schritt
pomerium-hand-over = Sie sind als { $user } angemeldet. Geben Sie `pomerium-cli` auf diesem Rechner Bescheid, dann kann es Ihren Zugang zum Cluster { $cluster } bis { $until } benutzen.
pomerium-hand-over-submit = Weiter zu pomerium-cli
pomerium-hand-over-only-yours = Fahren Sie nur fort, wenn Sie es gerade selbst gestartet haben; sonst schließen Sie diese Seite. Wenn der Browser es nicht erreicht, führen Sie den Befehl noch einmal aus: Vielleicht ist er schon beendet.

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

signed-out-title = Sie sind abgemeldet
signed-out-page = Abgemeldet
signed-out-there = Sie sind auch bei { $provider } abgemeldet.
signed-out-here =
    { $sessions ->
        [one] Die Sitzung dieses Browsers ist beendet. Ihre offenen Verbindungen sind getrennt.
       *[other] { $sessions } Sitzungen sind beendet: die dieses Browsers und die der Kommandozeilen, die Sie damit angemeldet haben. Ihre offenen Verbindungen sind getrennt.
    }
signed-out-on = Sie werden jetzt zu { $provider } weitergeleitet, um sich dort abzumelden. Wenn nichts geschieht:
signed-out-go = weiter zu { $provider }
signed-out-home = Startseite

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
home-sign-out = Abmelden

home-commands = Befehle für { $cluster }
home-kubeconfig = Fertige Kubeconfig
home-kubeconfig-hint = Oder nehmen Sie eine Datei mit allen. Darin ist kein Geheimnis; `kubectl` braucht daneben das Programm `kubegate`.
home-download = Kubeconfig herunterladen
home-copy = Zum Kopieren anzeigen
home-elevations = Mehr Zugang für eine Weile
home-elevations-hint = Ein Administrator hat Ihnen diese Gruppen zu den Ihren gegeben.
home-elevation-until = Bis
home-elevation-by = Gegeben von
home-elevation-reason = Grund
home-sessions = Ihre Sitzungen
home-sessions-hint = Wo Sie angemeldet sind. Beenden Sie, was Sie nicht kennen; der Zugang ist binnen einer Sekunde weg.
home-admin = Verwaltung
home-sign-out-everywhere = Überall abmelden
home-device = Einen Rechner ohne Browser anmelden

## A session

session-kind = Art
session-address = Ort
session-address-unknown = unbekannt
session-provider = Angemeldet mit
session-used = Zuletzt benutzt
session-began = Begonnen
session-until = Endet spätestens
session-idle = Sie wurde lange nicht benutzt und gibt keinen neuen Zugang; offene Ströme dürfen weitergehen.
session-this = diese hier
session-end = Beenden
session-end-this = Die Sitzung von { $user } auf { $device } beenden
session-ended = Beendet. Der Zugang ist binnen einer Sekunde weg.

device-browser = { $browser } auf { $system }
device-unknown = hat nicht gesagt, was es ist

kind-browser = Browser
kind-cli = Kommandozeile
kind-device = Kommandozeile, von einem anderen Gerät eingelassen
kind-workload = Workload
kind-pomerium = pomerium-cli
kind-service-account = Dienstkonto von pomerium-cli

## Administration

admin-sections = Verwaltung
admin-sessions = Sitzungen
admin-users = Benutzer
admin-providers = Provider
admin-search = Benutzer
admin-search-hint = Ein Benutzername, wie API-Server ihn sehen, oder eine Id wie `corp:248289761001`.
admin-search-submit = Suchen
admin-next = Nächste Seite
admin-no-sessions = Es gibt keine Sitzungen.
admin-end-all = Alle Sitzungen von { $user } beenden
admin-disabled = Gesperrt
admin-disabled-by = Gesperrt von { $by } am { $at }: { $reason }
admin-is-disabled = Gesperrt
admin-known = Bekannt
admin-known-hint = Alle, die sich in letzter Zeit angemeldet haben. Vergessen werden Leute einen Tag nach dem längsten Leben ihrer letzten Sitzung.
admin-no-users = Niemand dieses Namens ist bekannt.
admin-you = Sie
admin-id = Id
admin-live-sessions =
    { $sessions ->
        [one] eine Sitzung
       *[other] { $sessions } Sitzungen
    }
admin-disable-whom = { $person } sperren
admin-disable-hint = Das beendet binnen einer Sekunde alle Sitzungen und Erhöhungen, und keine Anmeldung hilft, bis jemand die Person wieder freigibt.
admin-disable = Sperren
admin-enable = Freigeben
admin-reason = Grund
admin-reason-enable = Grund, { $person } freizugeben
admin-user-disabled = Gesperrt. Gateways wissen es binnen einer Sekunde.
admin-user-enabled = Freigegeben. Die Person kann sich wieder anmelden.
admin-accounts =
    { $accounts ->
        [one] Es gibt ein eingebautes Konto.
       *[other] Es gibt { $accounts } eingebaute Konten.
    }
admin-no-providers = In `providers` der Konfiguration steht kein Identity-Provider.
admin-providers-hint = Was sie antworteten, als sich jemand anmeldete; für diese Seite werden sie nicht gefragt.

provider-asking = Er wird in diesem Augenblick gefragt.
provider-good = Er antwortete gut, als er zuletzt gefragt wurde.
provider-bad = Er antwortete nicht, wie er sollte, als er zuletzt gefragt wurde.
provider-never = Niemand hat ihn gebraucht, seit die Control Plane gestartet wurde.
provider-id = Id
provider-issuer = Aussteller
provider-answered = Antwortete gut
provider-answered-keys =
    { $keys ->
        [one] { $at }, mit einem Schlüssel
       *[other] { $at }, mit { $keys } Schlüsseln
    }
provider-failed = Scheiterte
provider-kind = Art
provider-address = Adresse
provider-no-discovery = Er hat kein Discovery-Dokument; darum ist nichts von ihm bekannt, bevor sich jemand anmeldet.
provider-group-problem = Die Datei, aus der die Gruppen kommen, ist so, wie sie jetzt ist, falsch. Was davor darin stand, gilt weiter.
provider-push = Überträgt (SCIM)
provider-push-users =
    { $users ->
        [one] einen Benutzer
       *[other] { $users } Benutzer
    }
provider-push-groups =
    { $groups ->
        [one] eine Gruppe
       *[other] { $groups } Gruppen
    }
provider-pushed = Letzte Übertragung
provider-pushed-never = noch keine
provider-push-failed = Zuletzt abgelehnt

groups-claims = der Claim `{ $claim }` des ID-Tokens, sonst von Userinfo
groups-id-token = der Claim `{ $claim }` des ID-Tokens
groups-userinfo = der Claim `{ $claim }` von Userinfo
groups-entra = der Claim `{ $claim }` des ID-Tokens, und Microsoft Graph, wo es für ihn zu viele sind
groups-github = Organisationen und Teams
groups-file = die Datei `{ $file }`
groups-scim = was er überträgt (SCIM)
groups-none = keine

workloads-title = Workloads
workloads-hint = Wessen Tokens Maschinen zeigen dürfen, statt sich anzumelden.
workloads-audience = Audience
workloads-prefix = Benutzernamen beginnen mit

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
status-gateway-version = Version { $version }
status-behind =
    { $versions ->
        [one] eine Version zurück
       *[other] { $versions } Versionen zurück
    }
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
error-unmet-device =
    .title = Diese Anmeldung genügt nicht
    .what = Kubegate kann nicht weitermachen: { $problem }.
    .remedy = Melden Sie sich auf eine andere Art an, die Ihr Identity-Provider anbietet, oder beenden Sie den Befehl, der im Terminal wartet. Wenn es keine andere gibt, fragen Sie die Betreiber von Kubegate.
error-device-flow-off =
    .title = Diese Art der Anmeldung ist abgeschaltet
    .what = Hier darf niemand einen anderen Rechner mit einem Code anmelden.
    .remedy = Beenden Sie den Befehl, der im Terminal wartet, und führen Sie dort stattdessen `kubegate login --no-browser` aus.
error-device-flow-off-for =
    .title = Diese Art der Anmeldung ist abgeschaltet
    .what = Wer sich mit { $provider } angemeldet hat, darf keinen anderen Rechner mit einem Code anmelden.
    .remedy = Beenden Sie den Befehl, der im Terminal wartet, und führen Sie dort stattdessen `kubegate login --no-browser` aus.
error-device-code-over =
    .title = Diese Bitte ist erledigt
    .what = Jemand hat schon darüber entschieden, oder sie ist älter als zehn Minuten.
    .remedy = Wenn das Terminal noch wartet, führen Sie den Befehl dort noch einmal aus und tippen Sie den neuen Code ein.
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
    .what = Sie haben es nicht weitermachen lassen.
    .remedy = Beenden Sie den Befehl, der im Terminal wartet, mit Strg+C. Diese Seite können Sie schließen.
error-bad-pomerium-request =
    .title = Diese Anmeldung kann nicht weitergehen
    .what = Ihre Adresse wurde schon benutzt, ist älter als zehn Minuten oder kommt nicht von pomerium-cli, wie wir es kennen.
    .remedy = Führen Sie den Befehl noch einmal aus. Wenn Sie einem Link von anderswo gefolgt sind, benutzen Sie ihn nicht.
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
    .remedy = Führen Sie den Befehl noch einmal aus und melden Sie sich noch einmal an.
error-unknown-provider =
    .title = Diesen Provider gibt es nicht
    .what = Kubegate kennt keinen Identity-Provider mit diesem Namen.
    .remedy = Öffnen Sie die Anmeldung und wählen Sie einen, den sie anbietet.
error-account-disabled =
    .title = Ihr Konto ist gesperrt
    .what = Die Anmeldung ging gut, aber { $by } hat Ihr Konto hier am { $at } gesperrt: { $reason }
    .remedy = Bitten Sie { $by } oder einen anderen Administrator von Kubegate, `{ $person }` wieder freizugeben.
error-not-provisioned-unknown =
    .title = Sie sind hier noch nicht eingerichtet
    .what = Die Anmeldung ging gut, aber { $provider } hat Kubegate noch nichts über Sie mitgeteilt.
    .remedy = Bitten Sie die Betreiber von { $provider }, Sie dort Kubegate zuzuordnen. Es kann 40 Minuten dauern, bis { $provider } es weitergibt; melden Sie sich dann neu an.
error-not-provisioned-inactive =
    .title = Ihr Konto ist deaktiviert
    .what = Die Anmeldung ging gut, aber { $provider } hat Kubegate mitgeteilt, dass Sie hier nicht aktiv sind.
    .remedy = Bitten Sie die Betreiber von { $provider }, Sie dort Kubegate zuzuordnen. Es kann 40 Minuten dauern, bis { $provider } es weitergibt; melden Sie sich dann neu an.
error-not-provisioned-ambiguous =
    .title = Es ist nicht klar, wer Sie sind
    .what = Die Anmeldung ging gut, aber { $provider } hat Kubegate zwei Personen genannt, die beide Sie sein können.
    .remedy = Sagen Sie es den Betreibern von Kubegate, mit der Kennung unten: `scim.link` in der Konfiguration ist vielleicht falsch.
error-not-provisioned-unlinked =
    .title = Es ist nicht klar, wer Sie sind
    .what = Die Anmeldung ging gut, aber { $provider } hat dabei nicht gesagt, was Sie mit den Personen verbindet, die Kubegate von dort kennt.
    .remedy = Sagen Sie es den Betreibern von Kubegate, mit der Kennung unten: `scim.link` in der Konfiguration ist vielleicht falsch.
error-not-an-administrator =
    .title = Diese Seite ist für Administratoren
    .what = Sie sind als { $user } angemeldet und keiner von ihnen.
    .remedy = Fragen Sie die Betreiber von Kubegate; `admins` in der Konfiguration der Control Plane nennt die Administratoren.
error-no-cluster =
    .title = Diesen Cluster gibt es nicht
    .what = Keine Regel gibt Ihnen Zugang zu einem Cluster dieses Namens, oder zu irgendeinem.
    .remedy = Sehen Sie auf der Startseite nach, welche Cluster Sie erreichen. Wenn einer fehlt, fragen Sie die Betreiber von Kubegate.
error-no-reason =
    .title = Der Grund fehlt
    .what = Wer jemanden sperrt oder freigibt, nennt einen Grund: eine Zeile von 1 bis 500 Zeichen, etwa ein Ticket.
    .remedy = Gehen Sie zurück und nennen Sie einen. Geändert wurde nichts.
error-yourself =
    .title = Das wären Sie selbst
    .what = Sie würden sich selbst aussperren, vielleicht als letzten Administrator.
    .remedy = Bitten Sie einen anderen Administrator. Geändert wurde nichts.

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
error-groups-unavailable =
    .title = Ihre Gruppen sind nicht bekannt
    .what = Kubegate konnte von { $provider } nicht erfahren, in welchen Gruppen Sie sind, und lässt Sie ohne sie nicht ein.
    .remedy = Versuchen Sie es in einer Minute noch einmal. Wenn es so bleibt, sagen Sie es mit der Kennung unten den Betreibern von Kubegate.
error-bad-groups =
    .title = Ihre Gruppen sind nicht zu lesen
    .what = Was { $provider } über Ihre Gruppen sagt, ist nicht zu gebrauchen: Der Claim { $claim } ist keine Liste von Namen.
    .remedy = Bitten Sie die Betreiber von Kubegate, für die Gruppen einen anderen Claim zu nennen (`claims`).
error-groups-overage =
    .title = Sie sind in zu vielen Gruppen
    .what = Sie sind in mehr Gruppen, als { $provider } in seine Antwort schreibt; darum lässt er alle weg.
    .remedy = Bitten Sie die Betreiber von Kubegate, die Gruppen bei Microsoft Graph nachzuschlagen (`from: entra`), oder die Betreiber des Providers, nur die Gruppen zu senden, die der Anwendung zugewiesen sind.
error-not-in-organization =
    .title = Sie sind in keiner der Organisationen
    .what = { $provider } sagt, dass { $login } in keiner der Organisationen ist, deren Mitglieder sich anmelden dürfen, oder die Organisation hat Kubegate nicht zugelassen.
    .remedy = Bitten Sie um Mitgliedschaft, oder lassen Sie Kubegate von einem Eigentümer der Organisation zulassen (Settings, Third-party Access).
