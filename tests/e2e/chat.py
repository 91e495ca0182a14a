import requests

URL = "http://127.0.0.1:18791/api/v1/chat"
H = {"Authorization": "Bearer your-secure-api-token"}

print(requests.post(URL, json={"message": "Hello, Hermes!"}, headers=H).json()["response"])
