"""Send an event with Lago's own client: `python first_event.py http://127.0.0.1:3000`."""

import sys

from lago_python_client.client import Client
from lago_python_client.models import Event

event = Event(
    transaction_id="call-2",
    external_subscription_id="acme",
    code="api_calls",
    timestamp=1796108460,
    properties={"tokens": 80},
)
Client(api_key="any", api_url=sys.argv[1]).events.create(event)
