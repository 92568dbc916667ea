"""The chassis: what every agent service shares. The template owns this folder; your code lives in `agent`.

Start reading at `wiring.py` (who gets what) and `runs/` (how a request becomes an answer).
"""
