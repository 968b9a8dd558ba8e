"""
The examples that the help of every command ends with: what is asked, and how.

A test runs each of them, in a folder with the sample events or with a database of them. They
are shown as they stand here, so that they can be copied.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class Example(NamedTuple):
    """One of a command."""

    what: str
    line: str


@cache
def all_examples() -> dict[str, list[Example]]:
    """By command, without the program; of the program itself by nothing."""
    found: dict[str, list[Example]] = {}
    for block in _TEXT.strip().split("\n\n"):
        path, *lines = block.splitlines()
        pairs = zip(lines[::2], lines[1::2], strict=True)
        found[path.removeprefix("lago").strip()] = [
            Example(what.removeprefix("# "), line) for what, line in pairs
        ]
    return found


_TEXT = r"""
lago
# what is counted
lago metrics create api_calls --aggregation-type count
# events in, each once
lago ingest events.ndjson
# who used what this month
lago usage
# one figure, event by event
lago usage explain --customer harbor --metric api_calls

lago ingest
# Events as Lago takes them; running it again changes nothing
lago ingest events.ndjson
# From a pipe, compressed
gzip -c events.ndjson | lago ingest
# A log that knows nothing of lago: try first what its records become
lago ingest access.ndjson --mapping caddy --dry-run --show 1

lago apply
# Bring metrics, customers, plans and subscriptions to what a file says
lago apply metrics.yml
# Only say what would change; exit code 9 where there is something
lago apply metrics.yml --dry-run

lago export
# All definitions as a file for lago apply
lago export > lago.yml
# For a program
lago export -o json

lago usage
# Everybody's usage of this month
lago usage
# One customer, day by day
lago usage --customer harbor --period 2026-11 --window day
# By a property of the events, as a file
lago usage --metric tokens --group-by model -o csv

lago usage explain
# Why is it that number? The events behind it
lago usage explain --customer harbor --metric storage
# Who held a seat, and since when
lago usage explain --metric seats --subscription harbor-pro

lago usage check
# Compare with a file of agreed figures, as lago usage -o csv writes it
lago usage check --expect agreed.csv --period 2026-11
# Let them be off by a tenth of a percent
lago usage check --expect agreed.csv --period 2026-11 --tolerance 0.1%

lago metrics
# Count events
lago metrics create requests --aggregation-type count
# See what is defined
lago metrics list

lago metrics create
# Count events
lago metrics create api_calls --aggregation-type count
# Add up a property
lago metrics create storage --aggregation-type sum --field-name gb
# Count the users who have a seat, from one month to the next
lago metrics create seats --aggregation-type unique_count --field-name user_id --recurring

lago metrics list
# All of them
lago metrics list
# Only their codes
lago metrics list -o csv | cut -d, -f2

lago metrics get
# One metric
lago metrics get storage
# As Lago's API has it
lago metrics get storage -o json

lago metrics update
# Round its figures up; past ones too
lago metrics update storage --rounding-function ceil
# Take a value away
lago metrics update storage --rounding-function ""

lago metrics delete
# Its events stay
lago metrics delete parallel_jobs
# What it was, for a program
lago metrics delete parallel_jobs -o json

lago metrics evaluate
# Try an expression on an event
lago metrics evaluate --expression 'event.properties.gb * 1.5' --event '{"properties": {"gb": 3}}'
# The event is in a file
lago metrics evaluate --expression event.properties.gb --event @event.json

lago customers
# Whose days begin in Paris
lago customers create acme --timezone Europe/Paris
# See who there is
lago customers list

lago customers create
# With a name
lago customers create acme --name "Acme, Inc."
# Whose days begin in Paris
lago customers create globex --timezone Europe/Paris

lago customers list
# Registered ones, and those that events named
lago customers list
# For a program
lago customers list -o ndjson

lago customers get
# One customer
lago customers get harbor
# For a program
lago customers get harbor -o json

lago customers update
# Let the days of a customer begin elsewhere
lago customers update harbor --timezone Europe/Lisbon
# Take the name away
lago customers update harbor --name ""

lago customers delete
# Its events stay
lago customers delete mosaic
# What it was, for a program
lago customers delete mosaic -o json

lago subscriptions
# Bill a customer by a plan
lago subscriptions create lumen-1 --customer lumen --plan basic
# See all
lago subscriptions list

lago subscriptions create
# Bill a customer by a plan, from a day on
lago subscriptions create lumen-1 --customer lumen --plan basic --started-at 2026-11-01
# Without a plan, in periods that begin on the 15th
lago subscriptions create s1 --customer tundra --billing-time anniversary --started-at 2026-11-15

lago subscriptions list
# All of them
lago subscriptions list
# For a spreadsheet
lago subscriptions list -o csv

lago subscriptions get
# One subscription
lago subscriptions get harbor-pro
# For a program
lago subscriptions get harbor-pro -o json

lago subscriptions update
# Say when it ends
lago subscriptions update harbor-pro --ending-at 2027-11-01
# It ends on no day
lago subscriptions update harbor-pro --ending-at ""

lago subscriptions change-plan
# From now on
lago subscriptions change-plan harbor-pro pro
# From a day on
lago subscriptions change-plan harbor-pro pro --at 2026-12-15

lago subscriptions terminate
# Now
lago subscriptions terminate harbor-pro
# At the end of a month
lago subscriptions terminate harbor-pro --at 2026-12-01

lago plans
# Define a plan that a file describes
lago plans create --input plan.yml
# What would it cost?
lago plans estimate basic --units api_calls=250000

lago plans create
# From a file as Lago writes plans, in YAML or JSON
lago plans create --input plan.yml
# From a pipe
cat plan.yml | lago plans create --input -

lago plans list
# All of them
lago plans list
# For a program
lago plans list -o json

lago plans get
# One plan, with its charges
lago plans get basic
# To begin another one with
lago plans get basic -o json > pro.json

lago plans update
# Bring it to what a file says
lago plans update basic --input plan.yml
# And refuse what is odd
lago plans update basic --input plan.yml --strict

lago plans delete
# A plan that no subscription has
lago plans delete spare
# What it was, for a program
lago plans delete spare -o json

lago plans lint
# Look at everything that is defined
lago plans lint
# Look at a file before it is applied
lago plans lint plan.yml

lago plans estimate
# What would a month cost?
lago plans estimate basic --units api_calls=250000 --units storage=40
# As a page to send
lago plans estimate basic --units storage=40 -o html > estimate.html

lago plans simulate
# What would November have cost under another plan?
lago plans simulate pro --period 2026-11
# For one customer, under two
lago plans simulate basic pro --customer harbor --period 2026-11

lago invoices
# The month's close: each subscription a row
lago invoices preview --period 2026-11
# Why is it that amount?
lago invoices explain --subscription harbor-pro --period 2026-11

lago invoices preview
# The month's close: each subscription a row
lago invoices preview --period 2026-11
# One of them in full
lago invoices preview --subscription harbor-pro --period 2026-11
# All of them as pages to send
lago invoices preview --period 2026-11 -o html > invoices.html

lago invoices explain
# Every cent: prices, tiers, events
lago invoices explain --subscription harbor-pro --period 2026-11
# Only one metric
lago invoices explain --subscription harbor-pro --period 2026-11 --metric storage

lago events
# Send one
lago events send --metric storage --customer harbor --properties gb=1.5
# What does not count?
lago events list --status unusable

lago events send
# What just happened
lago events send --metric api_calls --customer lumen
# Under an id: sending it again changes nothing
lago events send --metric storage --customer lumen --properties gb=1.5 --transaction-id upload-7

lago events list
# The newest of a customer
lago events list --customer harbor --limit 10
# What does not count, and why
lago events list --status unusable

lago events get
# One event
lago events get harbor-001
# For a program
lago events get harbor-001 -o json

lago events explain
# Does it count, and in which figure?
lago events explain harbor-001
# Why not?
lago events explain lumen-014

lago events export
# All events, for lago ingest
lago events export > all.ndjson
# A month of one customer, for a spreadsheet
lago events export --customer harbor --from 2026-11-01 --to 2026-12-01 -o csv

lago ingest-runs
# What came in when
lago ingest-runs list
# A wrong file was ingested: take it back
lago ingest-runs revert 1

lago ingest-runs list
# All runs
lago ingest-runs list
# For a program
lago ingest-runs list -o ndjson

lago ingest-runs get
# One run
lago ingest-runs get 1
# For a program
lago ingest-runs get 1 -o json

lago ingest-runs revert
# Take back what a run brought
lago ingest-runs revert 1
# And say nothing
lago ingest-runs revert 1 -q

lago mappings
# Which sources are known
lago mappings list
# Begin a mapping of one's own
lago mappings get nginx > mine.yml

lago mappings list
# All of them
lago mappings list
# Only their names
lago mappings list -o csv | cut -d, -f1

lago mappings get
# One mapping
lago mappings get caddy
# Begin a mapping of one's own
lago mappings get nginx > mine.yml

lago db
# What is in the file
lago db info
# A copy of it, also while others write
lago db backup copy.db

lago db info
# What is in the file
lago db info
# In another one, for a program
lago db info --db lago.db -o json

lago db check
# Is the file sound?
lago db check
# In a script
lago db check -q || echo 'restore the backup'

lago db backup
# A copy, also while others write
lago db backup copy.db
# Of another file
lago db backup copy.db --db ./lago.db

lago db vacuum
# After much was taken back
lago db vacuum
# In a script
lago db vacuum -q -o csv

lago help
# What a command does, with examples
lago help usage explain
# As a page for man
lago help usage --man > lago-usage.1

lago version
# Which one is installed
lago version
# The same
lago --version

lago completion
# In ~/.bashrc
eval "$(lago completion bash)"
# In ~/.zshrc, after compinit
eval "$(lago completion zsh)"
# In ~/.config/fish/config.fish
lago completion fish | source
"""
