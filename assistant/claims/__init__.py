"""How a sentence is read and what it claims; `assistant.grounding` is the door.

prose       sentences, words, quantities
cues        the phrases of each language: ranks, stock, limits, denials, promises
context     what a reply may name, and what it has said so far
reading     one sentence: its names, values, clauses, and of whom each claim is made
figures     prices, ratings, percentages, sizes, ages, measures
counts      how many there are, and that there are none
ranks       superlatives, comparisons, differences
stock       what can be had, in which form
attributes  values a product has, has not, or does not state
promises    what only a policy can say
strangers   names and model numbers that nothing in the evidence knows
"""
