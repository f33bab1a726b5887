// What the article leaves undefined: the data.
const csvData = `id,name,status
1,Ada,active
2,Grace,retired
3,Lin,active
`;
