"""Codes of specs: ZS1xx for files and their shape, ZS2xx for what they mean."""

from zalosync.catalogue.entry import Entry

FILES = (
    Entry(
        "ZS100",
        "There is no project here",
        "Every command but `init`, `demo` and `sandbox` works on a project: a folder with zalosync.yaml.",
        "Go to the project's folder, name it with -C, or make one with `zalosync init`.",
    ),
    Entry(
        "ZS101",
        "A named file does not exist",
        "A spec names a file that is not there; what is sent without it would not be what was meant.",
        "Correct the path. Paths are relative to the file that names them.",
    ),
    Entry(
        "ZS102",
        "A path leaves the project",
        "Specs may come from a pull request; a path out of the project could read the runner's other files.",
        "Move the file into the project, or change the project's folder.",
    ),
    Entry(
        "ZS103",
        "A symbolic link is on the way",
        "A link can point anywhere, and can be changed between the check and the use.",
        "Name the real file; in CI, copy it into the project.",
    ),
    Entry(
        "ZS104",
        "Not a regular file",
        "Folders, pipes, sockets and devices are not read: a pipe could hang the command for ever.",
        "Name a file; use a glob such as `data/*.csv` for the files of a folder.",
    ),
    Entry(
        "ZS105",
        "The file has a second name",
        "A hard link could be another user's file under a name of the project.",
        "Copy the file: `cp file file.new && mv file.new file`.",
    ),
    Entry(
        "ZS106",
        "The file is too large",
        "Each kind of file has a limit, so that no file can exhaust the machine: 1 MiB for specs.",
        "Split the file; recipients belong in an audience file, not in a spec.",
    ),
    Entry("ZS107", "A file or folder cannot be opened", "The system said no.", "Check its permissions."),
    Entry(
        "ZS108",
        "A pattern matches nothing, or too much",
        "A glob without a match is a misspelt one more often than an empty folder.",
        "Correct the glob: `*` stays in one folder, `**` stands for any folders.",
    ),
    Entry(
        "ZS109",
        "Not a path that is accepted",
        "Paths are relative, with forward slashes, so that a project means the same on every machine.",
        "Write a relative path such as `../audiences/orders.csv`.",
    ),
)
YAML = (
    Entry(
        "ZS110",
        "The file is not UTF-8",
        "Vietnamese text in another encoding would reach people as rubbish.",
        "Save the file as UTF-8 without a byte-order mark.",
    ),
    Entry(
        "ZS111",
        "Not valid YAML",
        "The file could not be read to its end.",
        "Look at the line and the one above it: indentation, a missing quote, a tab.",
    ),
    Entry(
        "ZS112",
        "Anchors and aliases are not accepted",
        "An alias hides what a reviewer reads, and a few lines of them can fill the memory.",
        "Write the value out where it is used.",
    ),
    Entry(
        "ZS113",
        "Tags are not accepted",
        "A tag changes what a value is, unseen by the checks.",
        "Remove it; put text in quotes.",
    ),
    Entry("ZS114", "Directives are not accepted", "The language is YAML 1.2.", "Remove the `%…` line."),
    Entry(
        "ZS115", "Merge keys are not accepted", "As aliases: they hide what is meant.", "Write the keys out."
    ),
    Entry(
        "ZS116",
        "Several documents in one file",
        "One file is one campaign, so that a history of the file is a history of the campaign.",
        "Move each document to a file of its own.",
    ),
    Entry("ZS117", "Nested too deep", "Nothing in the language is 20 levels deep.", "Check the indentation."),
    Entry(
        "ZS118",
        "Too many values or lines",
        "A spec has at most 10,000 values and 50,000 lines, none of more than 20,000 characters.",
        "Recipients belong in an audience.",
    ),
    Entry(
        "ZS119",
        "A key stands twice",
        "Readers of YAML silently take one of the two, and not all take the same.",
        "Keep one of them.",
    ),
    Entry("ZS120", "The file is empty", "It is listed as a spec and says nothing.", "Fill it or remove it."),
    Entry(
        "ZS121",
        "A character that must not stand in a spec",
        "Control characters, byte-order marks and marks that turn text around hide what a reviewer reads.",
        "Remove it; the error says which one it is.",
    ),
    Entry(
        "ZS122",
        "A key is not text",
        "Keys are words. `{{ … }}` without quotes also reads as a mapping within a key.",
        'Put it in quotes: `"322307":`, or `"{{ name }}"` for a template.',
    ),
    Entry(
        "ZS123",
        "A number with a leading zero",
        "One reader takes 010 for ten, another for eight.",
        "Write plain decimal digits; put a phone or an id in quotes.",
    ),
    Entry(
        "ZS124",
        "A key without a value",
        "YAML reads it as null, and nobody can tell whether it was forgotten.",
        "Write the value, or leave the key out to get its default.",
    ),
)
SHAPE = (
    Entry(
        "ZS126",
        "A file has more problems than are shown",
        "Past 200 problems of one file nobody reads on; most often they have one cause.",
        "Mend the first ones and run the command again.",
    ),
    Entry(
        "ZS125",
        "Not a file of this language",
        "A list of specs can name any file of the project; what is in one that does not say "
        "`apiVersion: zalosync/v1` is not shown.",
        "Write `apiVersion: zalosync/v1` as the first line, or correct the list.",
    ),
    Entry(
        "ZS130",
        "An unknown key",
        "A misspelt key would be ignored, and a misspelt `sendAt` would send now.",
        "Use the key that was meant; the error lists those that are allowed.",
    ),
    Entry("ZS131", "A required key is missing", "There is no safe default for it.", "Write it."),
    Entry(
        "ZS132",
        "A value of another kind",
        "Values are not converted by guess: true is not 1, and 5 is not a text.",
        "Write the kind of value that the error names.",
    ),
    Entry(
        "ZS133",
        "A number where text is due",
        "YAML reads unquoted digits as a number: 0901234567 loses its zero, and a long id its last digits.",
        'Put it in quotes: `sender: "4097700000000000001"`.',
    ),
    Entry("ZS134", "Not one of the allowed values", "Only these are understood.", "Choose one of the list."),
    Entry(
        "ZS135", "A number out of range", "The provider or the language sets the limit.", "Stay within it."
    ),
    Entry(
        "ZS136",
        "A text of another form",
        "Names, ids and texts have a form and a length that later steps rely on.",
        "Write it in the form that the error describes.",
    ),
    Entry(
        "ZS137",
        "Not a duration or share",
        "A bare number has no unit.",
        "Write 45s, 90m, 6h or 2d; a share is written 50%.",
    ),
    Entry(
        "ZS138",
        "Not a time",
        "A time needs a day, a time of day, and an offset or the project's time zone.",
        "Write 2026-12-01T09:00:00+07:00.",
    ),
    Entry(
        "ZS139",
        "Not a time zone",
        "Zones are named as in the IANA list; abbreviations such as ICT mean several.",
        "Write Asia/Ho_Chi_Minh.",
    ),
    Entry(
        "ZS140",
        "A file of another kind",
        "The project file lists campaigns under `specs` and policies under `policies`.",
        "List the file under its own key, or correct its `kind`.",
    ),
    Entry("ZS141", "Too few or too many entries", "The list or mapping has limits.", "See the error."),
    Entry(
        "ZS142",
        "A secret in the project file",
        "What is in Git is read by everybody who can read the repository, for ever.",
        "Revoke it, then write {env: NAME} or {file: path}.",
    ),
    Entry(
        "ZS143", "Not a reference to a secret", "It names one place.", "Write {env: NAME} or {file: path}."
    ),
    Entry("ZS144", "Not a host", "Hosts are compared letter by letter.", "Write it as hooks.example.vn."),
    Entry(
        "ZS145",
        "A base URL that is not accepted",
        "Whoever answers at this address gets the API key and the recipients.",
        "Write `sandbox`, https://<yours>.api.infobip.com, or http://127.0.0.1:<port> for a rehearsal.",
    ),
    Entry(
        "ZS146",
        "A base URL on a foreign host",
        "A pull request could point the project at somebody else's server; Infobip's hosts are built in.",
        "Correct it, or have the job that sends set ZALOSYNC_ALLOWED_API_HOSTS.",
    ),
    Entry(
        "ZS147",
        "Not a ledger",
        "The ledger is the memory of what was sent: a SQLite file in the project, or a PostgreSQL database.",
        "Write sqlite:///path or postgresql://host/name, or {env: NAME}.",
    ),
    Entry(
        "ZS148",
        "Not a key's fingerprint",
        "It is SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.",
        "Run `zalosync keys pin`, or copy what `zalosync keys show` prints.",
    ),
    Entry(
        "ZS149",
        "An API key is missing, or not used",
        "Every account needs one; the sandbox has its own, and a real key never goes there.",
        "Write `apiKey: {env: INFOBIP_API_KEY}`; leave it out for `baseUrl: sandbox`.",
    ),
    Entry(
        "ZS150",
        "A secret is not set",
        "The environment variable that the project file names is unset, empty, or set in two ways.",
        "Set it, or its `_FILE` twin with the path of a mounted file.",
    ),
    Entry(
        "ZS151",
        "A secret's file is not safe",
        "Others could read it, or it is not a plain file of the project.",
        "Make it a file of mode 0600 inside the project that Git ignores.",
    ),
    Entry(
        "ZS152",
        "The receiver's credentials are incomplete",
        "A subscription with HMAC or a password is checked against what the project names.",
        "Write `credential: {env: NAME}` under `webhook`, and `user` with `security: basic`.",
    ),
    Entry(
        "ZS153",
        "A country that is not known",
        "National numbers are read as one country writes them; a code that is none would read nobody's.",
        "Write the two capital letters of ISO 3166, such as VN.",
    ),
)
MEANING = (
    Entry(
        "ZS201",
        "A name is used twice",
        "Messages are identified by their campaign's name: two campaigns of one name would be one.",
        "Rename one; if it is a rename of an old campaign, list the old name in `previousNames`.",
    ),
    Entry(
        "ZS202",
        "A former name belongs to two campaigns",
        "Identities come from the oldest name for ever; of two that share it, one would silence the other.",
        "Keep the name with the campaign that sent under it.",
    ),
    Entry(
        "ZS203",
        "A time that does not exist",
        "On that day the clock jumps over it.",
        "Write the time with its offset, such as +07:00.",
    ),
    Entry(
        "ZS204", "A time that exists twice", "On that day the clock goes back over it.", "Write the offset."
    ),
    Entry(
        "ZS205",
        "`sendAt` is too far ahead",
        "The provider takes schedules up to 180 days ahead.",
        "Choose a nearer time, or use `mode: hold` later.",
    ),
    Entry(
        "ZS206", "`expiresAt` is not after `sendAt`", "Nothing could ever be sent.", "Correct one of them."
    ),
    Entry(
        "ZS207",
        "A window that is too short",
        "The provider needs at least one hour between `from` and `to`.",
        "Widen the window; write both bounds or none.",
    ),
    Entry(
        "ZS208",
        "A window that runs over midnight in UTC",
        "The provider reads days and times as UTC; what it does with `from` after `to` is not documented.",
        "Move a bound as the error says, or accept the risk with `allowWrap: true`.",
    ),
    Entry(
        "ZS209",
        "A validity of more than 48 hours",
        "The provider would cut it to 48 hours without a word.",
        "Write at most 48h.",
    ),
    Entry(
        "ZS210",
        "`hold` without a time",
        "Held messages wait for `sendAt`.",
        "Write `sendAt`, or leave `mode` out.",
    ),
    Entry(
        "ZS211",
        "A sending mode for another kind of template",
        "Sending over the quota exists for promotions only.",
        "Use REGULAR, or a template tagged PROMOTION.",
    ),
    Entry(
        "ZS212",
        "A URL that is not accepted",
        "Delivery reports hold phone numbers; they go over https to a named host, and nowhere else.",
        "Write https://host/path; `{token}` may stand once in the path.",
    ),
    Entry(
        "ZS213",
        "A host that the project does not allow",
        "The provider would post recipients' numbers there. The project's owners guard the list.",
        "Correct the host, or have it added to `allowedWebhookHosts`.",
    ),
    Entry(
        "ZS214",
        "Tracking options that have no effect",
        "Encrypted values cannot be shortened, and clicks are counted on shortened links only.",
        "Remove the option, or set `shortenUrl: true` on a campaign that is not encrypted.",
    ),
    Entry(
        "ZS215",
        "No audience could fit the limits",
        "`minRecipients` is more than `maxRecipients`.",
        "Correct one of them.",
    ),
    Entry(
        "ZS216",
        "Not an SMS sender",
        "A sender is up to 11 characters with letters, or up to 16 digits.",
        "Write it as it is registered with the operators.",
    ),
    Entry(
        "ZS217",
        "Webhook options that contradict each other",
        "With `notify: false` no report is pushed at all.",
        "Remove `notify: false`, or the rest.",
    ),
    Entry(
        "ZS220",
        "`defaultEnvironment` names no environment",
        "Commands without --env would not know where to send.",
        "Name one of the environments.",
    ),
    Entry(
        "ZS221",
        "No such environment",
        "--env names one of the project's environments.",
        "Use a name that zalosync.yaml has, or set `defaultEnvironment`.",
    ),
    Entry(
        "ZS222", "No such campaign", "The name is not one of the project's.", "Use the name in `metadata`."
    ),
    Entry(
        "ZS223",
        "No such error or finding",
        "`explain` knows the codes that errors and plans show.",
        "`zalosync explain` lists all of them.",
    ),
    Entry(
        "ZS224",
        "CI files are not made",
        "`init --ci` has no files for a CI system in this version.",
        "Leave --ci out; a job needs `zalosync validate`, `plan` and `apply` only.",
    ),
    Entry(
        "ZS227",
        "A new project would overwrite files",
        "`init` makes files and changes none but .gitignore.",
        "Choose an empty folder with -C.",
    ),
    Entry(
        "ZS225",
        "A rule for a finding that does not exist",
        "A misspelt rule would change nothing.",
        "Use the finding's id as plans and `validate` show it.",
    ),
    Entry(
        "ZS226",
        "A waiver without reason or end",
        "Making a finding weaker than it is must say why, and must end by itself.",
        'Write {severity: off, reason: "…", until: 2027-01-31}.',
    ),
)
PINNED = (
    Entry(
        "ZS231",
        "The template has no such parameter",
        "The provider would refuse the message, or leave the value out.",
        "Use a parameter of the template; if it changed, run `zalosync templates pull`.",
    ),
    Entry(
        "ZS232",
        "A value that the template requires is missing",
        "The provider would refuse every message.",
        "Add it to `templateData`; if the template changed, run `zalosync templates pull`.",
    ),
    Entry(
        "ZS233",
        "The template's tag is another",
        "Quota, price and quiet hours go by the tag.",
        "Write the provider's tag, or run `zalosync templates pull`.",
    ),
    Entry(
        "ZS234",
        "The template is another sender's",
        "A template belongs to one Official Account.",
        "Correct `sender` or `template.name`.",
    ),
)
