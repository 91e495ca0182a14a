import json

import requests

URL = "http://127.0.0.1:18791/api/v1/chat"
H = {"Authorization": "Bearer your-secure-api-token"}

with requests.post(URL, json={"message": "Hello, Hermes!", "stream": True}, headers=H, stream=True) as response:
    for line in response.iter_lines():
        if line.startswith(b"data: "):
            event = json.loads(line[len("data: "):])
            print(event.get("delta", ""), end="", flush=True)
print()
