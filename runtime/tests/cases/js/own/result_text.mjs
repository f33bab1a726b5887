export default () => "text as it is";
