"""Codes of the provider: ZS50x where it may do later, ZS8xx where it refuses or cannot be trusted."""

from zalosync.catalogue.entry import Entry

PROVIDER = (
    Entry(
        "ZS501",
        "The provider did not answer",
        "The network, the address or the provider failed.",
        "Check the network and `baseUrl`, then run the command again.",
    ),
    Entry(
        "ZS502",
        "Too many requests",
        "The account's limit for this call is used up for now.",
        "Wait a minute and run the command again.",
    ),
    Entry("ZS503", "The provider failed", "It answered with an error of its own.", "Run the command later."),
    Entry(
        "ZS801",
        "The provider's public key cannot be read",
        "It is not an RSA key in a form that is known.",
        "Ask the provider for an RSA key of this sender.",
    ),
    Entry(
        "ZS802",
        "The provider's key is too weak or too long",
        "Keys of 2048 to 16384 bits are used.",
        "Ask the provider for another key of this sender.",
    ),
    Entry(
        "ZS803",
        "An answer that is not Infobip's",
        "A proxy, firewall or another server answered in its place.",
        "Check `baseUrl` and the network.",
    ),
    Entry(
        "ZS804",
        "The provider refused",
        "The answer names its reason: credentials, permission, sender, or the request.",
        "Follow the way out of the message, or ask the provider with its code.",
    ),
    Entry(
        "ZS805",
        "An answer of another shape",
        "It is not what the provider's API gives, so nothing in it is believed.",
        "Check `baseUrl`, and whether something answers in the provider's place.",
    ),
    Entry(
        "ZS806",
        "No call for reports",
        "The environment has no `reportsPath`.",
        "Set it, receive reports by webhook, or refresh from logs.",
    ),
    Entry(
        "ZS811",
        "Not an API key",
        "It has characters that no header can carry.",
        "Set it again, without quotes and line ends.",
    ),
    Entry(
        "ZS812",
        "Not a path for reports",
        "It is a plain path on the provider's host.",
        "Write /zalo/1/reports, or null where the account has none.",
    ),
    Entry(
        "ZS813",
        "The certificate authorities cannot be used",
        "The named file is missing or holds no certificate.",
        "Name a PEM file that holds certificates.",
    ),
    Entry(
        "ZS814",
        "Not the address of a proxy",
        "A proxy is used only where ZALOSYNC_PROXY names one; variables of other programs are ignored.",
        "Write http://HOST:PORT, with USER:PASSWORD@ before the host where it asks for them.",
    ),
    Entry(
        "ZS820",
        "The sender's key is not the one that is known",
        "Values encrypted with another key may be readable by somebody else.",
        "Ask the provider whether it was changed; if it was, compare fingerprints and `zalosync keys pin`.",
    ),
    Entry(
        "ZS821",
        "The sender has no RSA key yet",
        "Values are encrypted with a key that the provider makes when it is asked to.",
        "`zalosync keys create SENDER`, then compare the fingerprint and `zalosync keys pin`.",
    ),
)
