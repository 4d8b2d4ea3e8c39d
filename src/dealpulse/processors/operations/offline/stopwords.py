"""Words that tell nothing about a text's subject."""

_STOPWORDS_TEXT = """
about above after again against all also and any are because been before being below between both but can
cannot could did does doing down during each few for from further had has have having her here hereby herein
hereof hereto hereunder him his how into its itself may more most must not now off once only other our out
over own per pursuant said same shall she should some such than that the their them then there thereof
therein thereto these they this those through too under until upon very was were what when where whether
which while who whom why will with within without would you your
"""
STOPWORDS = frozenset(_STOPWORDS_TEXT.split())
