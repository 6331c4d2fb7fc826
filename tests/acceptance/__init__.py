from pathlib import Path

TRACE = Path(__file__).parents[3] / "shared" / "data" / "azure_llm_code_2023.csv"
