"""The files of a new project: small, complete, right at once, and in the canonical form."""

import re
from collections.abc import Mapping

from zalosync.spec.schema import KINDS, file_name, schema_text

GIT_IGNORED = (".zalosync/", "*.zsplan", "rescue-*.jsonl", "secrets/")
SCHEMA_FOLDER = "schema"

_PROJECT = """\
# yaml-language-server: $schema=schema/project.schema.json
apiVersion: zalosync/v1
kind: Project
metadata:
  name: {name}
spec:
  specs: ["campaigns/*.yaml"]
  policies: ["policies/*.yaml"]
  timezone: Asia/Ho_Chi_Minh
  defaultEnvironment: sandbox
  environments:
    # A double of Infobip's API on this machine: commands start it when they need it.
    sandbox:
      baseUrl: sandbox
    # A real account: set both variables, then `zalosync -e production plan`.
    production:
      baseUrl: {{env: INFOBIP_BASE_URL}}
      apiKey: {{env: INFOBIP_API_KEY}}
      protected: true
"""
_CAMPAIGN = """\
# yaml-language-server: $schema=../schema/campaign.schema.json
apiVersion: zalosync/v1
kind: Campaign
metadata:
  name: welcome
  description: Greets a new customer
spec:
  sender: "4097700000000000001" # your Official Account's id
  template:
    name: 322307 # the number of an approved template
    tag: TRANSACTION
  audience:
    path: ../audiences/people.csv
    phone: phone
    key: "{{ customer_id }}" # one message for each customer, whatever else changes
  templateData:
    customer_name: "{{ name | title }}"
    customer_code: "{{ customer_id }}"
  encrypted: true
"""
_AUDIENCE = """\
customer_id,name,phone
C001,nguyễn thị an,0900000001
C002,TRẦN VĂN BÌNH,+84 90 000 00 02
C003,Lê Minh Châu,84900000003
"""
_POLICY = """\
# yaml-language-server: $schema=../schema/policy.schema.json
apiVersion: zalosync/v1
kind: Policy
metadata:
  name: guardrails
spec:
  maxRecipientsPerPlan: 10000
  maxNewShare: 50%
  requireEncrypted: true
  quietHours:
    from: "22:00"
    to: "06:00"
    timezone: Asia/Ho_Chi_Minh
    tags: [CUSTOMER_CARE, PROMOTION]
"""


def project_name(folder: str) -> str:
    """A project's name made of its folder's."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")[:63].strip("-")
    return name or "campaigns"


def starter_files(folder: str) -> Mapping[str, str]:
    """The files of a new project by their path.

    Args:
        folder: the name of the project's folder.
    """
    return {
        "zalosync.yaml": _PROJECT.format(name=project_name(folder)),
        "campaigns/welcome.yaml": _CAMPAIGN,
        "audiences/people.csv": _AUDIENCE,
        "policies/guardrails.yaml": _POLICY,
        **{f"{SCHEMA_FOLDER}/{file_name(kind)}": schema_text(kind) for kind in KINDS},
    }


def git_ignored(present: str) -> str:
    """The text of `.gitignore` with what a project must not commit, added to what stands there."""
    lines = present.splitlines()
    missing = [line for line in GIT_IGNORED if line not in lines]
    if not missing:
        return present
    gap = "\n" if present and not present.endswith("\n") else ""
    return f"{present}{gap}# What zalosync keeps on this machine only.\n" + "".join(
        f"{line}\n" for line in missing
    )
