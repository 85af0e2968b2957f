"""A tool of GradBench in Python: reads messages, calls a module's functions, times them."""

import json
import sys
import time


def run(prepare, evaluate, output, value):
    settings = value if isinstance(value, dict) else {}
    runs = settings.get("min_runs", 1)
    seconds = settings.get("min_seconds", 0)
    start = time.perf_counter_ns()
    args = prepare(value)
    # The first call compiles; it belongs to the preparation.
    evaluate(*args)
    timings = [{"name": "prepare", "nanoseconds": time.perf_counter_ns() - start}]
    total = 0
    while len(timings) <= runs or total < seconds * 1e9:
        start = time.perf_counter_ns()
        result = evaluate(*args)
        took = time.perf_counter_ns() - start
        total += took
        timings.append({"name": "evaluate", "nanoseconds": took})
    return {"success": True, "output": output(result, value), "timings": timings}


def serve(tool, modules):
    for line in sys.stdin:
        message = json.loads(line)
        answer = {"id": message["id"]}
        kind = message["kind"]
        if kind == "start":
            answer["tool"] = tool
        elif kind == "define":
            answer["success"] = message["module"] in modules
        elif kind == "evaluate":
            try:
                task = modules[message["module"]][message["function"]]
                answer |= run(*task, message["input"])
            except Exception as error:  # The session goes on.
                answer |= {"success": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
