class RNN:
    pass
