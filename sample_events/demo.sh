#!/bin/sh
# The main job on the sample events, in a database of its own that is gone afterwards.
# Every command is printed before it runs; nothing is asked of the clock.
set -eu

sample_events=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ln -s "$sample_events" sample_events
unset LAGO_OUTPUT LAGO_BUSY_TIMEOUT 2>/dev/null || :
export LAGO_DB=demo.db LAGO_NOW=2026-12-01T08:00:00Z

title() {
    printf '\n# %s\n' "$1"
}

show() {
    printf '$'
    for word in "$@"; do
        case $word in
            *[\ \'\"\$]*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
}

run() {
    show "$@"
    "$@"
}

define() {
    show lago metrics create "$@"
    lago metrics create "$@" 2>&1 >/dev/null # the list of them is shown instead
}

quietly() {
    show "$@"
    "$@" >/dev/null
}

title "Say what is to be counted."
define --code api_calls --aggregation-type count_agg
define --code storage --aggregation-type sum_agg --field-name gb
define --code seats --aggregation-type unique_count_agg --field-name user_id
define --code tokens --aggregation-type sum_agg --field-name total
define --code parallel_jobs --aggregation-type max_agg --field-name jobs
run lago metrics list

title "Bring in a month of events."
run lago ingest sample_events/events.ndjson

title "The same file again: every event is known, and none counts twice."
run lago ingest sample_events/events.ndjson

title "What did each customer use in November 2026?"
run lago usage --period 2026-11

title "Tokens by model, and calls by week."
run lago usage --period 2026-11 --metric tokens --group-by model
run lago usage --period 2026-11 --metric api_calls --customer harbor --window week

title "The same for a program to read."
run lago usage --period 2026-11 --customer tundra --metric storage -o json

title "Say what it costs, and who pays for it."
quietly lago plans create --input sample_events/plan.yml
quietly lago subscriptions create --external-id harbor-pro --external-customer-id harbor \
    --plan-code basic --started-at 2026-11-01
run lago apply sample_events/subscriptions.yml

title "What does November cost? Everybody, and one of them in full."
run lago invoices preview --period 2026-11
run lago invoices preview --period 2026-11 --subscription harbor-pro
