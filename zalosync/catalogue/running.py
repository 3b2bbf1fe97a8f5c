"""Codes of plans (ZS53x, ZS54x), of the ledger and of runs (ZS6xx)."""

from zalosync.catalogue.entry import Entry

PLANS = (
    Entry(
        "ZS530",
        "The plan is stale",
        "Specs, audience or templates are no longer those that were planned and approved.",
        "Plan again, and have that plan approved.",
    ),
    Entry(
        "ZS531",
        "The plan was changed, or sealed with another key",
        "Only who holds the project's key can make a plan that applies.",
        "Plan again with the project's key.",
    ),
    Entry("ZS532", "There is no such plan", "The file is missing or cannot be opened.", "Plan with -o FILE."),
    Entry(
        "ZS533",
        "The plan is of another version",
        "Its format is not the one that this zalosync reads.",
        "Plan again with this version.",
    ),
    Entry(
        "ZS534",
        "The plan file is damaged",
        "It is not byte for byte what sealing its content gives.",
        "Fetch the file again, or plan again.",
    ),
    Entry(
        "ZS535",
        "The plan is for another environment",
        "A plan for the sandbox must not be sent to real people.",
        "Apply it with the -e that it was made for, or plan for this one.",
    ),
    Entry("ZS536", "The plan has expired", "A plan is good for 24 hours.", "Plan again."),
    Entry(
        "ZS537",
        "The plan is consumed",
        "A run of it ended with nothing left to send.",
        "Plan again: it shows what is new since.",
    ),
    Entry(
        "ZS538",
        "The plan was made on another ledger",
        "Only the ledger it was compared with knows who was messaged already.",
        "Use that ledger, or plan again on this one.",
    ),
    Entry(
        "ZS539",
        "The history that the plan saw is not in this ledger",
        "The ledger was restored from an older copy, or changed.",
        "`zalosync audit verify` says whether it is whole; then plan again.",
    ),
    Entry(
        "ZS540",
        "The ledger moved on since the plan",
        "Another run or person changed what may be sent.",
        "Plan again.",
    ),
    Entry(
        "ZS541",
        "Approvals are missing",
        "A policy or a protected environment asks for so many people.",
        "`zalosync approve FILE --as NAME`, by as many people.",
    ),
    Entry(
        "ZS542",
        "An approval was changed, or made with another key",
        "An approval is for exactly one plan.",
        "Remove the line, and have the plan approved again.",
    ),
    Entry(
        "ZS543",
        "Nobody can say who wrote a campaign",
        "A policy wants its plan approved by somebody else than its author, who is the Git author of the "
        "last commit that touched its file.",
        "Apply from a full checkout in which the campaign is committed.",
    ),
    Entry(
        "ZS544",
        "Signed approvals are asked for, and nobody may sign",
        "The policy names no `allowedSigners`, or its file cannot be read.",
        "Write the file as ssh-keygen reads it: a name and a public key in each line.",
    ),
    Entry(
        "ZS545",
        "ssh-keygen could not sign or check",
        "Signatures are made and checked by OpenSSH's own program.",
        "Install OpenSSH's client, and give --sign the file of your SSH key.",
    ),
    Entry(
        "ZS546",
        "The project's key is not used in this job",
        "The job was started by a pull request or a comment, in which strangers may decide what runs.",
        "There, `zalosync plan --preview`; plan and apply in a job of the protected branch.",
    ),
    Entry(
        "ZS547",
        "In CI no plan is sealed or approved from uncommitted changes",
        "The plan would name a commit that does not hold what was planned.",
        "Commit the changes, or find what writes into the checkout: `git status`.",
    ),
    Entry(
        "ZS548",
        "An author approves the own work",
        "A policy wants the plan approved by somebody else than the authors of its campaigns; this approval "
        "would not count.",
        "Have it approved by who did not write it.",
    ),
    Entry(
        "ZS549",
        "An approval of somebody who gave one before",
        "The names look alike, one user gave both, or Git has them beside each other: they count as one.",
        "If it is somebody else: approve as the own user, or with --sign where the policy names signers.",
    ),
    Entry(
        "ZS550",
        "An approval is not signed as a policy asks",
        "It would not count: it has no signature, or one by a key that the policy's `allowedSigners` does "
        "not have for this name.",
        "`zalosync approve FILE --as NAME --sign KEYFILE`, with a key and name of that file.",
    ),
)
LEDGER = (
    Entry(
        "ZS601",
        "Not a ledger",
        "The file or database was made by something else.",
        "Check the environment's `ledger`.",
    ),
    Entry(
        "ZS602",
        "The ledger has another version",
        "Nothing is read from or written to a schema that is not known exactly.",
        "`zalosync ledger migrate` upgrades an older one; a newer one needs a newer zalosync.",
    ),
    Entry(
        "ZS603",
        "The ledger could not be written",
        "Space, permissions or another process: nothing of that step was stored.",
        "Mend it and run the command again.",
    ),
    Entry(
        "ZS604",
        "The ledger changed other rows than were due",
        "An update expects what it finds; nothing was stored.",
        "Run `zalosync audit verify`, and report it.",
    ),
    Entry(
        "ZS605",
        "Messages no longer stand where the run thinks",
        "Another writer changed them; nothing of that step was stored.",
        "Run `zalosync refresh`, then plan again.",
    ),
    Entry(
        "ZS606",
        "The disk failed while a step of the ledger was being stored",
        "It may be stored or not. Nothing was sent under it: its intents are released, or become unknown.",
        "Mend the disk, run `zalosync audit verify`, then `zalosync refresh`.",
    ),
    Entry(
        "ZS610",
        "The project has no key",
        "Without it nobody can say which message is which.",
        "Set ZALOSYNC_KEY to the project's key; for a new project, `zalosync ledger init` makes one.",
    ),
    Entry("ZS611", "Others can read the key", "Who has it can guess numbers back.", "chmod 600 the file."),
    Entry(
        "ZS612",
        "Not a project key",
        "A key is 64 hexadecimal characters; another one would give old messages new ids.",
        "Give the project's own key.",
    ),
    Entry(
        "ZS613",
        "A ledger that this version does not keep",
        "The environment's `ledger` is of a kind that is not supported here.",
        "Write sqlite:///path/to/ledger.db.",
    ),
    Entry(
        "ZS614",
        "Another command runs the sandbox",
        "One process keeps its state at a time.",
        "Wait for it, or serve it with `zalosync sandbox` and name its address as `baseUrl`.",
    ),
    Entry(
        "ZS621",
        "zalosync.lock cannot be read",
        "It proves that a ledger is the right one and not an older copy.",
        "Restore it from Git.",
    ),
    Entry(
        "ZS622",
        "Another ledger than the pinned one",
        "A foreign ledger does not know who was messaged already.",
        "Point `ledger` at the right one; a new start is `zalosync ledger init --replace-lineage`.",
    ),
    Entry(
        "ZS623",
        "The ledger is older than it was",
        "It would send again what was sent since that copy.",
        "Restore the newest copy.",
    ),
    Entry(
        "ZS624",
        "The ledger's history is another",
        "An event that was seen before differs now.",
        "`zalosync audit verify` says more; restore the right copy.",
    ),
    Entry(
        "ZS625", "There is a ledger already", "It is never overwritten.", "Use it: `zalosync ledger info`."
    ),
    Entry(
        "ZS626",
        "Another zalosync is writing the ledger",
        "Two writers could send one message twice.",
        "Wait for it to end, or give --lock-timeout SECONDS.",
    ),
    Entry("ZS627", "The ledger is a symbolic link", "It could point anywhere.", "Name the file itself."),
    Entry(
        "ZS628",
        "The ledger cannot be read",
        "The file is damaged, or not a database.",
        "Restore the newest copy; `zalosync ledger backup` makes such copies.",
    ),
    Entry(
        "ZS629",
        "The ledger was made with another key",
        "This key would give old messages new ids, and people would get two.",
        "Use the key that the ledger was made with. Where .zalosync/key was made by a rehearsal on the"
        " sandbox, move it aside, or set ZALOSYNC_KEY, which wins over the file.",
    ),
    Entry(
        "ZS630",
        "The ledger is missing",
        "zalosync.lock says that there was one; without it nobody knows who was messaged already.",
        "Restore it from a copy.",
    ),
    Entry(
        "ZS631",
        "The environment has no ledger yet",
        "A missing ledger is never taken for an empty one.",
        "`zalosync ledger init` makes one.",
    ),
    Entry(
        "ZS632",
        "The ledger is on a network file system",
        "Locks cannot be trusted there: two machines could write at once.",
        "Put it on a local disk.",
    ),
    Entry(
        "ZS633",
        "A file ledger in a CI job",
        "The job's disk is gone with it, and the next job would send everything again.",
        "Keep the ledger where jobs share it, and say `ledgerDurable: true`.",
    ),
    Entry(
        "ZS634",
        "zalosync.lock cannot be written",
        "It is kept beside the project file; everything that was sent is in the ledger all the same.",
        "Mend it (space, permissions); the next command that writes to the ledger pins it.",
    ),
    Entry(
        "ZS635",
        "There is no ledger to replace",
        "A new history is for an environment that had one: zalosync.lock names none.",
        "`zalosync ledger init` makes the first one.",
    ),
    Entry(
        "ZS636",
        "The ledger could not be copied",
        "The copy is made aside and put in its place when it is whole; nothing was changed.",
        "Make room where the copy goes, and try again.",
    ),
    Entry(
        "ZS641",
        "Not a rescue file",
        "A line of it cannot be read.",
        "Move the file away; its messages stay unknown until evidence comes.",
    ),
)
RUNS = (
    Entry(
        "ZS650",
        "Outcomes are in a rescue file",
        "The ledger could not be written when answers came; they were kept beside it.",
        "The next `zalosync apply` or `zalosync refresh` merges them.",
    ),
    Entry(
        "ZS651",
        "Outcomes could not be stored anywhere",
        "Neither the ledger nor a file beside it could be written; those messages stay unknown.",
        "Make room on the disk, then `zalosync refresh`.",
    ),
    Entry(
        "ZS652",
        "The run changed its pace, or stopped",
        "The provider's answers gave a reason, which the message names.",
        "Usually nothing; if the run stopped, mend the reason and apply again.",
    ),
    Entry(
        "ZS653",
        "A run that died left messages unknown",
        "Whether their requests left is not proven.",
        "`zalosync refresh` settles them from logs and reports; then `zalosync resolve`.",
    ),
    Entry(
        "ZS654",
        "A key was made by the provider",
        "A sender of an encrypted campaign had none.",
        "Pin it: `zalosync keys pin`.",
    ),
    Entry(
        "ZS655",
        "The clock differs from the provider's",
        "Schedules and windows would go out wrong.",
        "Set this machine's clock.",
    ),
    Entry(
        "ZS656",
        "Held messages were cancelled: their campaign's `expiresAt` has passed",
        "Nothing of them was sent, and nothing will be.",
        "Raise `occurrence` to write to these people after all.",
    ),
    Entry(
        "ZS657",
        "The plan is for an RSA key that was seen before",
        "The provider was not reached; the key is pinned or in the ledger, and its size is remembered.",
        "Nothing: `apply` asks for the key itself, and refuses another one.",
    ),
    Entry(
        "ZS660",
        "The inbox of reports could not be written",
        "No report is used that is not stored.",
        "Mend space or permissions, and run the command again.",
    ),
    Entry(
        "ZS661",
        "A page of reports may be lost",
        "Reports are handed out once, and an answer did not arrive: nobody knows whether it held any.",
        "Nothing: the logs are asked about every message without an outcome, also by later commands.",
    ),
    Entry(
        "ZS662",
        "Reports name prices in several currencies",
        "An account has one currency; a sum of several would mean nothing.",
        "Ask the provider; until then read no cost from `status`.",
    ),
    Entry(
        "ZS663",
        "The logs could not be asked",
        "The provider did not answer, or the API key may not read logs.",
        "Give the key the scope zalo:logs:read, or run `zalosync refresh` later.",
    ),
    Entry(
        "ZS664",
        "The inbox of reports is full",
        "Reports are stored before they are used, and so many wait that no more are taken.",
        "Run `zalosync refresh` again: it merges them.",
    ),
    Entry(
        "E_UNEXPECTED_EVIDENCE",
        "The provider knows messages of ours that this ledger did not send",
        "Only who has the project's key makes such ids: another ledger, a patched tool, or an older copy of "
        "this ledger. Whoever sends on may message people twice.",
        "Find out who sent them: `zalosync logs --message-id`, CI runs, other machines. Restore the newest "
        "ledger, or take over what was sent with `zalosync ledger adopt`.",
    ),
    Entry(
        "E_CONTRADICTION",
        "The provider contradicted itself about messages of ours",
        "It refused messages and reported them delivered, or called ids duplicates that this ledger had "
        "never sent: then another ledger or tool may send with this project's key. Nothing is sent again "
        "because of it; a campaign whose `retry` trusts refusals may have reached somebody twice.",
        "Look the messages up (`zalosync logs --message-id ID`; `status` names some), ask Infobip, and take "
        "such statuses out of `retry.on`. Then `zalosync resolve --alarm --reason …`.",
    ),
)
