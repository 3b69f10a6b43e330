#!/usr/bin/env python3
"""Models of texts, from a text to its continuation, and of words, to those that are near: node, eval, predict. usage: continued.py GRAPEVINE"""

import json

from cases import check, expect, finish, write

write("digits.txt", "0123456789" * 400)
node = ["--port", "0", "--no-status", "--device", "cpu"]
digits = "0123456789" * 10
for kind in ("gru", "transformer"):
    write(kind + ".toml", f"""[model]
kind = "{kind}"
width = 16
layers = 1
{'heads = 2' if kind == 'transformer' else ''}
length = 21
[data]
format = "text"
files = ["digits.txt"]
batch = 16
[train]
optimizer = "adamw"
learning_rate = 0.01
order = "1us"
""")
    run = expect(0, ["node", kind + ".toml", *node, "--out", kind, "--until-steps", "400"], "bits per character")
    model = kind + "/final.safetensors"
    summary = json.load(open(kind + "/summary.json"))
    check(summary["measure"] == "bits_per_character", f"summary.json says what the loss is told as: {summary['measure']}")
    evaluation = json.loads(expect(0, ["eval", model, "--json"]).stdout)[0]
    check(evaluation["bits_per_character"] < 0.2 and abs(evaluation["bits_per_character"] - evaluation["loss"] / 0.6931471805599453) < 1e-9, f"eval: {evaluation}")

    def goes_on(*words):
        return expect(0, ["predict", model, *words]).stdout

    for prompt in ("3456", "5", digits[:73]):  # shorter than what the model sees at once, and longer
        begin = (int(prompt[-1]) + 1) % 10
        likeliest = goes_on("--prompt", prompt, "--bytes", "35", "--temperature", "0")
        if len(prompt) > 1:
            check(likeliest == prompt + digits[begin:begin + 35] + "\n", f"{kind} goes on counting after {prompt}: {likeliest}")
        check(len(likeliest) == len(prompt) + 36, "--bytes")
    check(len(goes_on("--prompt", "01")) == 203, "200 bytes unless said")
    wild = ["--prompt", "0", "--temperature", "5", "--json"]
    texts = [json.loads(goes_on(*wild, "--bytes", "60", "--seed", seed))["text"] for seed in ("1", "1", "2")]
    check(texts[0] == texts[1] != texts[2], f"the seed says what is drawn: {texts}")
    check(texts[0] != digits[1:61], "a high temperature strays")
    check(json.loads(goes_on(*wild, "--bytes", "0"))["text"] == "", "no bytes")
    expect(0, ["predict", model, "--prompt", "12", "--bytes", "3", "--temperature", "0", "--out", kind + ".txt"])
    check(open(kind + ".txt").read() == "12345\n", "--out")
    expect(2, ["predict", model], "goes on with one", "--prompt")
    expect(2, ["predict", model, "digits.txt"], "says nothing of rows")
    expect(2, ["predict", model, "--prompt", "1", "--temperature", "-1"], "--temperature -1 is out of range")
    expect(2, ["predict", model, "--prompt", "1", "--bytes", "x"], "--bytes wants a number")

topics = """[model]
kind = "skipgram"
rank = 8
subsample = 0
[data]
set = "topics"
topics = 5
words = 6
train_samples = 20000
test_samples = 2000
batch = 128
[train]
optimizer = "adamw"
learning_rate = 0.02
"""
write("topics.toml", topics)
expect(0, ["node", "topics.toml", *node, "--out", "words", "--until-steps", "1500"])
words = "words/final.safetensors"
near = json.loads(expect(0, ["predict", words, "--nearest", "topic3-word2", "--json"]).stdout)
check(len(near) == 10 and all(n["word"].startswith("topic3-") for n in near[:5]) and not any(n["word"].startswith("topic3-") for n in near[5:]), f"the five others of its topic are the nearest: {near}")
check(all(-1 <= b["cosine"] <= a["cosine"] <= 1 for a, b in zip(near, near[1:])), "by cosine")
table = expect(0, ["predict", words, "--nearest", "topic3-word2"]).stdout.splitlines()
check(table[0] == "word,cosine" and table[1] == f"{near[0]['word']},{near[0]['cosine']:.4f}" and len(table) == 11, f"as csv: {table}")
expect(2, ["predict", words, "--nearest", "topic9-word9"], "'topic9-word9' is not in the vocabulary of 30 words")
expect(2, ["predict", words], "--nearest WORD")
expect(2, ["predict", words, "--prompt", "x"], "--prompt is for models of texts")

write("blobs.toml", '[model]\nkind = "logistic"\n[data]\nset = "blobs"\n')
expect(0, ["node", "blobs.toml", *node, "--out", "blobs", "--until-steps", "20"])
expect(2, ["predict", "blobs/final.safetensors", "--prompt", "1"], "--prompt is for models of texts")
expect(2, ["predict", "blobs/final.safetensors", "--nearest", "x"], "--nearest is for vectors of words")

finish("continued")
