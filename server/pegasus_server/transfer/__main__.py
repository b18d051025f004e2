"""``python -m pegasus_server.transfer``: carry out orders on standard input, tell on output."""

from pegasus_server.transfer.manners import yield_to_others

if __name__ == "__main__":
    # Before the large imports, which would take a second of CPU from the server.
    yield_to_others()

    from pegasus_server.transfer.work import work

    work()
