"""What is known of a tensor before it has a value: rules for dtypes and static shapes, for every framework that has none.

`symbolic` is how the rules see a tensor, `dtypes` the arithmetic of dtypes, `rules` how a call's shape and dtype are found,
`shape_rules` the rules themselves. Nothing here knows a framework.
"""
