class Math:
    pass
