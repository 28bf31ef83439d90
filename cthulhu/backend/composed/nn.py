class NN:
    pass
