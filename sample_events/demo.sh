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
export LAGO_DB="$folder/demo.db" LAGO_NOW=2026-12-01T08:00:00Z

title() {
    printf '\n# %s\n' "$1"
}

run() {
    printf '$'
    for word in "$@"; do
        case $word in
            *[\ \'\"\$]*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

title "Say what is to be counted."
run lago metrics create -q --code api_calls --aggregation-type count_agg
run lago metrics create -q --code storage --aggregation-type sum_agg --field-name gb
run lago metrics create -q --code seats --aggregation-type unique_count_agg --field-name user_id
run lago metrics create -q --code tokens --aggregation-type sum_agg --field-name total
run lago metrics create -q --code parallel_jobs --aggregation-type max_agg --field-name jobs
run lago metrics list

title "Bring in a month of events."
run lago ingest sample_events/events.ndjson

title "The same file again: every event is known, and none counts twice."
run lago ingest sample_events/events.ndjson

title "What did each customer use in November 2026?"
run lago usage --period 2026-11

title "Tokens by model, and the days on which calls were made."
run lago usage --period 2026-11 --metric tokens --group-by model
run lago usage --period 2026-11 --metric api_calls --customer harbor --window week

title "The same for a program to read."
run lago usage --period 2026-11 --customer tundra -o json
