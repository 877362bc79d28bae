def test_health(client):
    print(client.get("/health").body)
    print(client.get("/nodes?query=concat").body["total"])
    print(client.get("/jobs").body)
